const storageKey = 'hearthnet.invite';

/** The code after `#join=` of an address, or null. The fragment never leaves the browser. */
export const inviteOfHash = (hash: string): string | null => {
  const code = new URLSearchParams(hash.replace(/^#/, '')).get('join');
  return code && code.length <= 2_000 ? code : null;
};

/** Keeps the invite that a link brought through the welcome, and through a reload of this tab; not longer than the tab lives. */
export const createInviteBox = (storage: Storage = sessionStorage) => {
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
