import shell from './de/shell.json';
import welcome from './de/welcome.json';
import settings from './de/settings.json';
import emergency from './de/emergency.json';
import failure from './de/failure.json';
import ask from './de/ask.json';
import chat from './de/chat.json';
import library from './de/library.json';
import mesh from './de/mesh.json';
import documents from './de/documents.json';
import devices from './de/devices.json';
import gives from './de/gives.json';
import log from './de/log.json';
import calls from './de/calls.json';
import pairing from './de/pairing.json';
import type { Messages } from '../messages.ts';

/** Every text of the screens in German; a missing or a surplus key is a type error. */
export const messages: Messages = {
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
