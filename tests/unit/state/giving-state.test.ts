import { describe, expect, it } from 'vitest';
import { contractsByName } from '../../../src/lib/contracts/index.ts';
import { messages as german } from '../../../src/lib/i18n/messages/de.ts';
import { messages as english } from '../../../src/lib/i18n/messages/en.ts';
import { createGiving, ordinaryGiving } from '../../../src/lib/services/giving.ts';
import { createGivingState, givenAreas } from '../../../src/lib/state/giving.svelte.ts';
import { createScriptedBus } from './scripted-bus.ts';

/** A node that takes every change, until its disk is full. */
const annasSwitches = () => {
  const answers: Parameters<typeof createScriptedBus>[0] & Record<string, unknown> = { 'node.configure': {} };
  const { bus, asked } = createScriptedBus(answers);
  const fill = (isFull: boolean): void => {
    answers['node.configure'] = isFull ? { refuse: 'quota_full', reason: 'not-stored' } : {};
  };
  return { asked: () => asked.map(({ input }) => input), fill, state: createGivingState({ bus }) };
};

describe('the switches of what a device gives', () => {
  it('ask the node for one thing at a time, by its name', async () => {
    const { asked, state } = annasSwitches();
    expect(await state.give('library', false)).toBe(true);
    await state.save('on');
    await state.be('spark');
    expect(asked()).toEqual([{ gives: { library: false } }, { batterySaver: 'on' }, { profile: 'spark' }]);
  });

  it('say why beside what was refused, until it works', async () => {
    const { fill, state } = annasSwitches();
    fill(true);
    expect(await state.give('library', false)).toBe(false);
    expect(state.failureOf('area:library')?.code).toBe('quota_full');
    expect([state.failureOf('area:blobs'), state.failureOf('saver')]).toEqual([null, null]);
    fill(false);
    await state.give('library', false);
    expect(state.failureOf('area:library')).toBeNull();
  });

  it('count as given what is on and does not rest', () => {
    const area = (name: string, isOn: boolean, isResting: boolean) =>
      ({ area: name, isOn, isResting, cost: 'normal' }) as const;
    const areas = [area('library', true, false), area('blobs', true, true), area('llm', false, false)];
    expect(givenAreas({ profile: 'hearth', batterySaver: 'auto', battery: null, isSaving: true, areas })).toEqual([
      'library',
    ]);
  });

  it('have a name and a sentence in both languages for every area that this build can give', () => {
    const giving = createGiving({
      capabilities: contractsByName.values(),
      current: () => ordinaryGiving,
      save: async () => true,
    });
    for (const { area } of giving.view().areas)
      for (const texts of [english, german])
        expect([area, Object.keys(texts)]).toEqual([
          area,
          expect.arrayContaining([`calls.area.${area}`, `gives.area.${area}`]),
        ]);
  });
});
