import type { GivingView } from '../../src/lib/contracts/giving.ts';

/** The switches of the scripted device: all on; `resting` has a low battery, `second` a browser that does not tell of it, `full` no room to keep a choice. */
export const createFakeGiving = (scene: string) => {
  let view: GivingView = {
    profile: 'hearth',
    batterySaver: 'auto',
    battery: scene === 'second' ? null : { percent: scene === 'resting' ? 12 : 64, charging: false },
    isSaving: false,
    areas: [
      { area: 'library', isOn: true, isResting: false, cost: 'normal' },
      { area: 'blobs', isOn: true, isResting: false, cost: 'normal' },
    ],
  };
  const isSaving = (): boolean =>
    view.batterySaver === 'on' || (view.batterySaver === 'auto' && view.battery !== null && view.battery.percent < 20);
  return {
    view: (): GivingView => ({
      ...view,
      isSaving: isSaving(),
      areas: view.areas.map((area) => ({ ...area, isResting: area.isOn && isSaving() })),
    }),
    /** False when there is no room to keep it. */
    configure: (input: Record<string, unknown>): boolean => {
      if (scene === 'full') return false;
      const { gives, ...rest } = input as { gives?: Record<string, boolean> } & Partial<GivingView>;
      // The page that shows the scene has a battery of its own, which is no part of the story.
      const { batterySaver = view.batterySaver, profile = view.profile } = rest;
      const areas = view.areas.map((area) => ({ ...area, isOn: gives?.[area.area] ?? area.isOn }));
      view = { ...view, batterySaver, profile, areas };
      return true;
    },
  };
};
