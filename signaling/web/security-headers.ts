import type { ServerResponse } from 'node:http';

/**
 * The headers of every HTTP answer. The page carries its own policy for scripts and connections in a meta element;
 * only what a meta element cannot say stands here.
 */
export const setSecurityHeaders = (response: ServerResponse, isTrustworthy: boolean): void => {
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  if (isTrustworthy) response.setHeader('cross-origin-opener-policy', 'same-origin');
};

/**
 * Whether a browser treats the page as a secure context: over TLS, or on this very machine. Elsewhere it ignores the opener
 * policy and says so as an error on the console of the page that explains itself.
 */
export const isTrustworthyRequest = (isTls: boolean, host: string | undefined): boolean =>
  isTls || /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host ?? '');

/**
 * Camera for invites, serial for radios. Bluetooth is meant too and has `self` by default: naming it makes a Chromium
 * that was built without it complain on the console.
 */
const allowed = ['camera', 'serial'];
const denied = [
  'accelerometer',
  'display-capture',
  'geolocation',
  'gyroscope',
  'hid',
  'magnetometer',
  'microphone',
  'midi',
  'payment',
  'usb',
  'xr-spatial-tracking',
];

const headers: { readonly [name: string]: string } = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'content-security-policy': "frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': [
    ...allowed.map((feature) => `${feature}=(self)`),
    ...denied.map((feature) => `${feature}=()`),
  ].join(', '),
};
