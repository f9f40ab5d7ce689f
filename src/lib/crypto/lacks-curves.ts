/** Whether this browser's WebCrypto lacks a curve that every device key needs. */
export const lacksCurves = async (subtle: SubtleCrypto): Promise<boolean> => {
  try {
    await subtle.generateKey('Ed25519', false, ['sign', 'verify']);
    await subtle.generateKey('X25519', false, ['deriveBits']);
    return false;
  } catch (error) {
    if (error instanceof DOMException) return true;
    throw error;
  }
};
