import shell from './en/shell.json';
import welcome from './en/welcome.json';
import settings from './en/settings.json';
import emergency from './en/emergency.json';
import failure from './en/failure.json';
import ask from './en/ask.json';
import chat from './en/chat.json';
import library from './en/library.json';
import mesh from './en/mesh.json';
import documents from './en/documents.json';
import devices from './en/devices.json';
import gives from './en/gives.json';
import log from './en/log.json';
import calls from './en/calls.json';
import pairing from './en/pairing.json';

/** Every text of the screens in English: the list of keys that the other languages must fill. */
export const messages = {
  ...shell,
  ...welcome,
  ...settings,
  ...emergency,
  ...failure,
  ...ask,
  ...chat,
  ...library,
  ...mesh,
  ...documents,
  ...devices,
  ...gives,
  ...log,
  ...calls,
  ...pairing,
};
