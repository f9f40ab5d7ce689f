/** The guides that save lives, in the order of haste. Only those that are really on this device become tiles. */
const vital = [
  'bleeding',
  'cpr',
  'burns',
  'fire',
  'chemical-release',
  'flood',
  'water',
  'power-cut',
  'cold',
  'heat',
  'food',
] as const;
export type VitalGuide = (typeof vital)[number];

/** The vital guides of the starter library in one language; null when the list could not be read. */
export const readVitalGuides = async (
  language: 'en' | 'de',
  fetchIndex: typeof fetch = fetch,
): Promise<readonly VitalGuide[] | null> => {
  try {
    const response = await fetchIndex('/library/index.json');
    if (!response.ok) return null;
    const here = guideIds(await response.json(), language);
    return here && vital.filter((id) => here.has(id));
  } catch {
    // Offline before the first visit was kept, or no JSON: the page says that the guides are not here yet.
    return null;
  }
};

/** The ids of one language in `{ guides: [{ id, language }] }`; null for anything else. */
const guideIds = (index: unknown, language: string): ReadonlySet<unknown> | null => {
  if (!isRecord(index) || !Array.isArray(index.guides)) return null;
  return new Set(
    index.guides.filter((guide) => isRecord(guide) && guide.language === language).map((guide) => guide.id),
  );
};

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
