/** A code that an address brought in its fragment: `#join=` an invite, `#device=` the code of one's own other device. */
export type CodeName = 'join' | 'device';

/** What a tab keeps: the codes, and that this device waits at the door of one's own other device. */
const storageKeys = {
  join: 'hearthnet.invite',
  device: 'hearthnet.device-code',
  linking: 'hearthnet.linking',
} as const;

/** The code of this name in an address, or null. The fragment never leaves the browser. */
export const codeOfHash = (hash: string, name: CodeName): string | null => {
  const code = new URLSearchParams(hash.replace(/^#/, '')).get(name);
  return code && code.length <= 2_000 ? code : null;
};

/** Keeps the code that a link brought through the welcome, and through a reload of this tab; not longer than the tab lives. */
export const createCodeBox = (name: keyof typeof storageKeys, storage: Storage = sessionStorage) => {
  const storageKey = storageKeys[name];
  let code = $state(storage.getItem(storageKey) ?? '');
  return {
    get code() {
      return code;
    },
    keep: (next: string) => {
      code = next;
      storage.setItem(storageKey, next);
    },
    clear: () => {
      code = '';
      storage.removeItem(storageKey);
    },
  };
};
