/** Where a tab keeps small texts over a reload. An empty text leaves nothing behind. */
export type TextStore = { read(key: string): string | null; write(key: string, text: string): void };

/** A text that survives a reload: what somebody is writing. Every change is written at once. */
export const createKeptText = (key: string, store: TextStore = pageStore) => {
  let text = $state(store.read(key) ?? '');
  return {
    get value() {
      return text;
    },
    set value(next: string) {
      text = next;
      store.write(key, next);
    },
  };
};
export type KeptText = ReturnType<typeof createKeptText>;

/** The browser's localStorage. Where the browser forbids it (private windows, policies) or it is full, texts last as long as the tab. */
const createPageStore = (): TextStore => {
  const textByKey = new Map<string, string>();
  return {
    read: (key) => {
      try {
        return textByKey.get(key) ?? localStorage.getItem(key);
      } catch {
        return null;
      }
    },
    write: (key, text) => {
      textByKey.delete(key);
      try {
        if (text === '') localStorage.removeItem(key);
        else localStorage.setItem(key, text);
      } catch {
        textByKey.set(key, text);
      }
    },
  };
};

export const pageStore: TextStore = createPageStore();
