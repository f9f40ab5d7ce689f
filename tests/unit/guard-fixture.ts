import * as Y from 'yjs';

/** What Yjs itself sends when somebody does this to a document that already holds `base`. */
export const updateOf = (client: number, act: (doc: Y.Doc) => void, base?: Uint8Array): Uint8Array => {
  const doc = new Y.Doc({ gc: false });
  if (base) Y.applyUpdate(doc, base);
  doc.clientID = client;
  let sent = new Uint8Array(0);
  doc.on('update', (update: Uint8Array) => (sent = update.slice()));
  doc.transact(() => act(doc));
  return sent;
};

/** Every hostile update that Yjs would apply, by name; `victim` is the root of somebody whose events `base` holds. */
export const hostileUpdates = (
  client: number,
  own: string,
  victim: string,
  base: Uint8Array,
): Record<string, Uint8Array> => {
  const event = Uint8Array.of(1, 2, 3);
  const gapped = (): Uint8Array => {
    const doc = new Y.Doc();
    doc.clientID = client;
    doc.getArray(own).push([event]);
    return updateOf(client, (next) => next.getArray(own).push([event]), Y.encodeStateAsUpdate(doc));
  };
  const collected = (): Uint8Array => {
    const doc = new Y.Doc({ gc: true });
    doc.clientID = client;
    doc.getArray(own).push([new Y.Array()]);
    doc.getArray(own).delete(0, 1);
    return Y.encodeStateAsUpdate(doc);
  };
  const skipping = (): Uint8Array => {
    const doc = new Y.Doc();
    doc.clientID = client;
    const steps: Uint8Array[] = [];
    doc.on('update', (update: Uint8Array) => steps.push(update));
    for (let at = 0; at < 3; at++) doc.getArray(own).push([event]);
    return Y.mergeUpdates([steps[0] ?? event, steps[2] ?? event]);
  };
  const stated = new Y.Doc({ gc: false });
  Y.applyUpdate(stated, base);
  return {
    deleteSet: updateOf(client, (doc) => doc.getArray(victim).delete(0, 1), base),
    insertFront: updateOf(client, (doc) => doc.getArray(victim).insert(0, [event]), base),
    mapKey: updateOf(client, (doc) => doc.getMap(own).set('key', event)),
    text: updateOf(client, (doc) => doc.getText(own).insert(0, 'hello')),
    subdocument: updateOf(client, (doc) => doc.getArray(own).push([new Y.Doc()])),
    nestedType: updateOf(client, (doc) => doc.getArray(own).push([new Y.Array()])),
    jsonContent: updateOf(client, (doc) => doc.getArray(own).push([{ a: 1 }])),
    garbageStructs: collected(),
    skipStructs: skipping(),
    afterGap: gapped(),
    secondVersion: Y.encodeStateAsUpdateV2(stated),
  };
};
