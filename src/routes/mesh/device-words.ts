import { formatNumber, t, textOrNull } from '$lib/i18n/index.svelte.ts';
import { personOfDevice, type PeopleViews } from '$lib/state/mesh.svelte.ts';

/** What a device is called: by its person, with a number where the person has several; never by its id. */
export const deviceWords = (device: string, views: PeopleViews): string => {
  if (device === views.info.value?.device) return t('calls.device.self');
  const person = personOfDevice(device, views);
  if (!person) return t(device === '' ? 'calls.device.nobody' : 'calls.device.unknown');
  const own = views.members.value?.members.find((member) => member.person === person.person)?.devices ?? [];
  return own.length > 1
    ? t('calls.device.nth', { name: person.name, n: formatNumber(own.indexOf(device) + 1) })
    : person.name;
};

/** What was asked for, in words; what a newer version calls something stands as it came. */
export const capabilityWords = (capability: string): string => {
  const [name = capability] = capability.split('@');
  return textOrNull(`calls.what.${name}`) ?? name;
};

export const areaWords = (area: string): string => textOrNull(`calls.area.${area}`) ?? area;
export const outcomeWords = (outcome: string): string =>
  textOrNull(`calls.outcome.${outcome}`) ?? t('calls.outcome.internal');
