const database = 'hearthnet-pairing';
const room = 'certificates';
const lifeMs = 365 * 24 * 3600_000;
const leftMs = 24 * 3600_000;

/**
 * The certificate that this browser shows whoever it pairs with: the same for a year, so a code on paper keeps its longest part. It
 * can be used and not read. A browser that keeps nothing makes a new one each time; null when it makes none, and the connection
 * then comes with one of its own.
 */
export const openPairCertificate = async (): Promise<RTCCertificate | null> => {
  try {
    const kept = await withRoom('readonly', (store) => store.get('own') as IDBRequest<unknown>);
    if (kept instanceof RTCCertificate && kept.expires - Date.now() > leftMs) return kept;
  } catch (error) {
    if (!(error instanceof DOMException)) throw error; // no database here: a private window, or a full disk
  }
  return makeCertificate();
};

const makeCertificate = async (): Promise<RTCCertificate | null> => {
  try {
    const algorithm: EcKeyGenParams & { expires: number } = { name: 'ECDSA', namedCurve: 'P-256', expires: lifeMs };
    const made = await RTCPeerConnection.generateCertificate(algorithm);
    await withRoom('readwrite', (store) => store.put(made, 'own')).catch((error: unknown) => {
      if (!(error instanceof DOMException)) throw error; // it serves for this time
    });
    return made;
  } catch (error) {
    if (error instanceof DOMException) return null;
    throw error;
  }
};

/** Opened and closed around each use: a database that stays open cannot be erased. */
const withRoom = <T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    const opening = indexedDB.open(database, 1);
    const refuse = (error: DOMException | null): void => reject(error ?? new DOMException('not opened', 'AbortError'));
    opening.addEventListener('upgradeneeded', () => opening.result.createObjectStore(room));
    opening.addEventListener('error', () => refuse(opening.error));
    opening.addEventListener('success', () => {
      const transaction = opening.result.transaction(room, mode);
      const request = act(transaction.objectStore(room));
      transaction.addEventListener('complete', () => resolve(request.result));
      transaction.addEventListener('abort', () => refuse(transaction.error));
      for (const end of ['complete', 'abort']) transaction.addEventListener(end, () => opening.result.close());
    });
  });
