import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { utf8 } from '../../src/lib/kernel/ids.ts';
import { unwrap } from '../../src/lib/kernel/result.ts';
import { type Document, parseDocument } from '../../src/lib/search/document.ts';

const read = (text: string, hints = {}): Document => unwrap(parseDocument(utf8(text), hints));

const guide = `---
id: water
title: Water: when the tap runs dry
language: en
updated: 2026-11-23
licence: CC BY 4.0
author: Anna
reviewer: none yet
keywords: water, tap
questions: What do I do if the water is cut off? | How much do I store?
sources:
  - id: epa; agency: US EPA; title: Drinking Water; a summary; year: 2017; figures: 1 minute; 3 minutes: above 1000 m
  - id: who; agency: WHO; title: Water
---
# Water: when the tap runs dry

Boil it [epa].
`;

describe('a guide', () => {
  it('is read with everything its front matter states', () => {
    const document = read(guide);
    expect(document).toMatchObject({
      title: 'Water: when the tap runs dry',
      language: 'en',
      updated: '2026-11-23',
      licence: 'CC BY 4.0',
      author: 'Anna',
      reviewer: 'none yet',
      body: '# Water: when the tap runs dry\n\nBoil it [epa].\n',
    });
    expect(document.labels).toContain('How much do I store?');
  });
  it('keeps semicolons and colons inside the values of a source', () => {
    expect(read(guide).sources).toEqual([
      {
        id: 'epa',
        agency: 'US EPA',
        title: 'Drinking Water; a summary',
        year: 2017,
        figures: '1 minute; 3 minutes: above 1000 m',
      },
      { id: 'who', agency: 'WHO', title: 'Water', year: 0, figures: '' },
    ]);
  });
  it('says more about itself than the person who adds it', () => {
    expect(read(guide, { language: 'de', licence: 'all mine', title: 'Other' })).toMatchObject({
      language: 'en',
      licence: 'CC BY 4.0',
      title: 'Water: when the tap runs dry',
    });
  });
  it('is the same with Windows line ends and a byte order mark', () => {
    expect(read(`\ufeff${guide.replaceAll('\n', '\r\n')}`)).toEqual(read(guide));
  });
});

describe('a plain document', () => {
  it('is named by its first heading, else by what Bora says, else by its file, else by its first line', () => {
    expect(read('Some words.\n\n## The well ##\n', { title: 'Said', fileName: 'notes.md' }).title).toBe('The well');
    expect(read('Some words.', { title: 'Said', fileName: 'notes.md' }).title).toBe('Said');
    expect(read('Some words.', { fileName: 'C:\\docs\\the_old.well.md' }).title).toBe('the old.well');
    expect(read('\n\nSome words.\nMore.').title).toBe('Some words.');
  });
  it('has the language Bora says, else that of its small words', () => {
    expect(read('Der Brunnen ist nicht tief und hat Wasser.').language).toBe('de');
    expect(read('Brunnen', { language: 'de' }).language).toBe('de');
  });
  it('may begin with a rule and may carry front matter of another program', () => {
    expect(read('---\n\nA text under a rule.').body).toContain('A text under a rule.');
    const note = read('---\ntitle: "My note"\ntags:\n  - well\n  - garden\n# a comment\ndate: 2024-01-02\n---\nText.');
    expect(note).toMatchObject({ title: 'My note', updated: '2024-01-02', sources: [], body: 'Text.' });
  });
});

describe('the parser of documents', () => {
  it('answers any bytes with a document or a reason', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(typeof parseDocument(bytes).ok).toBe('boolean');
      }),
      { numRuns: 500 },
    );
  });
  it('answers any front matter with a document or a reason', () => {
    const line = fc.oneof(
      fc.string({ maxLength: 30 }),
      fc.constantFrom('---', 'title: x', 'sources:', '  - id: a; year: 1', '- ', ':', 'a:b'),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 10 }), (lines) => {
        const parsed = parseDocument(utf8(['---', ...lines].join('\n')));
        if (parsed.ok) expect(parsed.value.title.length).toBeGreaterThan(0);
        else expect(['FrontMatterMalformed', 'Empty', 'Binary']).toContain(parsed.error.type);
      }),
      { numRuns: 500 },
    );
  });
});
