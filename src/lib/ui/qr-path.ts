import encodeQR from 'qr';

/** The QR code of a text as one SVG path on a square of `size` modules; quiet zone included. The one place that knows the library. */
export const qrPath = (text: string): { readonly size: number; readonly path: string } => {
  const rows = encodeQR(text, 'raw', { ecc: 'medium', border: 4 });
  let path = '';
  rows.forEach((row, y) => {
    let from = -1;
    for (let x = 0; x <= row.length; x++) {
      const isDark = row[x] === true;
      if (isDark && from < 0) from = x;
      if (isDark || from < 0) continue;
      path += `M${from} ${y}h${x - from}v1h-${x - from}z`;
      from = -1;
    }
  });
  return { size: rows.length, path };
};
