/** no-camera: there is none, or another program has it; denied: the person or the browser said no; stopped: the reader left. */
export type ScanFailure = 'no-camera' | 'denied' | 'stopped';

export type Scanned = Outcome<string>;
type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: ScanFailure };

/** The part of BarcodeDetector that is used; few browsers have it and the standard library of types has it not. */
type Detector = { detect(source: CanvasImageSource): Promise<readonly { readonly rawValue: string }[]> };
type DetectorClass = { new (options: { formats: string[] }): Detector; getSupportedFormats(): Promise<string[]> };
type Read = (video: HTMLVideoElement) => Promise<string | null>;

/** A look at the picture every 150 ms finds a code fast enough and leaves the device cool. */
const lookEveryMs = 150;
const sideMax = 720;

/** Shows the camera in `video` and reads until a QR code is found or the signal aborts. The camera is off when this returns. */
export const scanQr = async (video: HTMLVideoElement, signal: AbortSignal): Promise<Scanned> => {
  const camera = await openCamera();
  if (!camera.ok) return camera;
  try {
    return signal.aborted ? { ok: false, error: 'stopped' } : await readQr(video, camera.value, signal);
  } finally {
    camera.value.getTracks().forEach((track) => track.stop());
    video.srcObject = null;
  }
};

/** `environment` is the camera at the back, where there are two. Whoever opens it turns it off. */
export const openCamera = async (facing: 'environment' | 'user' = 'environment'): Promise<Outcome<MediaStream>> => {
  if (!navigator.mediaDevices) return { ok: false, error: 'no-camera' };
  try {
    return {
      ok: true,
      value: await navigator.mediaDevices.getUserMedia({ video: { facingMode: facing }, audio: false }),
    };
  } catch (cause) {
    const isDenied =
      cause instanceof DOMException && (cause.name === 'NotAllowedError' || cause.name === 'SecurityError');
    return { ok: false, error: isDenied ? 'denied' : 'no-camera' };
  }
};

/** Shows a camera that is open in `video` and reads until a QR code is found or the signal aborts. The camera stays on. */
export const readQr = async (video: HTMLVideoElement, camera: MediaStream, signal: AbortSignal): Promise<Scanned> => {
  try {
    video.srcObject = camera;
    await video.play();
    const read = await chooseReader();
    while (!signal.aborted) {
      const text = video.readyState >= video.HAVE_CURRENT_DATA ? await read(video) : null;
      if (text) return { ok: true, value: text };
      await new Promise((done) => setTimeout(done, lookEveryMs));
    }
    return { ok: false, error: 'stopped' };
  } catch {
    return { ok: false, error: signal.aborted ? 'stopped' : 'no-camera' };
  }
};

/** The browser's own reader where it knows QR codes, else ours, which is fetched only now. */
const chooseReader = async (): Promise<Read> => {
  const Detector = (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector;
  if (Detector && (await Detector.getSupportedFormats()).includes('qr_code')) {
    const detector = new Detector({ formats: ['qr_code'] });
    return async (video) => (await detector.detect(video))[0]?.rawValue ?? null;
  }
  const { default: decode } = await import('qr/decode.js');
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  return async (video) => {
    const scale = Math.min(1, sideMax / Math.max(video.videoWidth, video.videoHeight, 1));
    canvas.width = Math.round(video.videoWidth * scale);
    canvas.height = Math.round(video.videoHeight * scale);
    if (!context || canvas.width === 0) return null;
    context.drawImage(video, 0, 0, canvas.width, canvas.height);
    try {
      return decode(context.getImageData(0, 0, canvas.width, canvas.height));
    } catch {
      // The library throws for every picture without a code; that is no failure here, the next picture may have one.
      return null;
    }
  };
};
