import {
  array,
  boolean,
  check,
  maxLength,
  maxValue,
  nullable,
  object,
  optional,
  picklist,
  pipe,
  record,
  string,
  type InferOutput,
} from 'valibot';
import { limits } from '../kernel/limits.ts';
import { count } from './fields.ts';

/** hearth: ordinary; spark: leans on its neighbours and uses its own abilities when nobody else can; anchor: stays on for the others. */
const profile = picklist(['hearth', 'spark', 'anchor']);
/** auto: begins below `limits.batteryLowPercent` while nothing charges, where the browser tells; on, off: as the person says. */
const batterySaver = picklist(['auto', 'on', 'off']);
/** What the browser tells of the battery; null where it does not. */
const battery = nullable(object({ percent: pipe(count, maxValue(100)), charging: boolean() }));
const areaName = pipe(string(), maxLength(limits.callParamCharsMax));

/** What the person may decide of this; an absent field stays. `battery` comes from the page, which alone can look. */
export const givingChange = {
  gives: optional(
    pipe(
      record(areaName, boolean()),
      check((gives) => Object.keys(gives).length <= limits.givingAreasMax, 'too many areas'),
    ),
  ),
  batterySaver: optional(batterySaver),
  profile: optional(profile),
  battery: optional(battery),
};

/** What this device gives to its neighbours, by area of abilities, and what of it rests while the battery is saved. */
export const givingView = object({
  profile,
  batterySaver,
  battery,
  isSaving: boolean(),
  areas: array(
    object({
      area: areaName,
      isOn: boolean(),
      /** On, but at rest while the battery is saved. */
      isResting: boolean(),
      /** Of its most expensive ability. */
      cost: picklist(['cheap', 'normal', 'heavy']),
    }),
  ),
});
export type GivingView = InferOutput<typeof givingView>;
