import { readFileSync, writeFileSync } from 'node:fs';
import { chromium } from '@playwright/test';

/**
 * Draws static/icons/*.png from the two SVGs there: `node tests/support/draw-icons.mjs [path of a Chromium]`.
 * Run by hand when a drawing changes; the pictures are kept with the source, so no build needs a browser.
 */
const folder = new URL('../../static/icons/', import.meta.url);
const pictures = [
  ['hearth.svg', 'hearth-192.png', 192],
  ['hearth.svg', 'hearth-512.png', 512],
  ['hearth-maskable.svg', 'hearth-maskable-512.png', 512],
];
const executablePath = process.argv[2];
const browser = await chromium.launch({ args: ['--no-sandbox'], ...(executablePath && { executablePath }) });
for (const [from, to, side] of pictures) {
  const page = await browser.newPage({ viewport: { width: side, height: side } });
  const svg = readFileSync(new URL(from, folder)).toString('base64');
  await page.setContent(
    `<style>*{margin:0;display:block}</style><img width="${side}" height="${side}" src="data:image/svg+xml;base64,${svg}">`,
  );
  writeFileSync(new URL(to, folder), await page.screenshot({ omitBackground: true }));
  await page.close();
}
await browser.close();
