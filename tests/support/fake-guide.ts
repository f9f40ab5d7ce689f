/** A guide for the fake scene, with passages whose offsets are true offsets into its body. */
const body = `## Store water now

Keep at least two days of drinking water per person. Fill clean bottles and canisters, close them and write the date on them.

## When the tap is dry

Close the tap, so that nothing floods when the water returns. Turn off the boiler. Use bath water for flushing, never for drinking.

## Make water safe

Bring clear water to a rolling boil for one minute. Let it cool in the same closed pot. Cloudy water is filtered through a clean cloth first.
`;

export const guide = (cid: string) => ({
  cid,
  title: 'Water: when the tap runs dry',
  language: 'en',
  body,
  sources: [
    {
      id: 'cdc',
      agency: 'CDC',
      title: 'How to Make Water Safe in an Emergency',
      year: '2024',
      figures: 'boil one minute',
    },
  ],
  licence: 'CC BY 4.0',
  updated: '2026-11-23',
  author: 'HearthNet',
  reviewer: 'not yet reviewed',
  corpus: 'starter',
});

const headings = ['## Store water now', '## When the tap is dry', '## Make water safe'] as const;

export const passages = (cid: string) =>
  headings.map((heading, i) => {
    const start = body.indexOf(heading) + heading.length + 2;
    const next = headings[i + 1];
    const end = next ? body.indexOf(next) : body.length;
    return {
      id: `p${i}`,
      text: body.slice(start, end).trim(),
      score: 900 - i * 120,
      title: 'Water: when the tap runs dry',
      headingPath: heading.slice(3),
      page: 0,
      start,
      end,
      source: 'CDC, How to Make Water Safe in an Emergency, 2024',
      date: '2026-11-23',
      licence: 'CC BY 4.0',
      lang: 'en',
      cid,
      corpus: 'starter',
    };
  });

/** The first sentence of each passage, as a citation. */
export const sources = (found: ReturnType<typeof passages>) =>
  found.map((passage) => {
    const quote = passage.text.slice(0, passage.text.indexOf('.') + 1);
    return { passageId: passage.id, quote, start: passage.start, end: passage.start + quote.length };
  });
