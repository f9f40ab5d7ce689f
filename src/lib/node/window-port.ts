import type { Stop } from '../kernel/lifecycle.ts';
import { parseWindowMessage, type WindowMessage } from './window-message.ts';

/** A way to the node, or to the windows. `post` throws DataCloneError for what cannot be copied to another thread. */
export type WindowPort = {
  post(message: WindowMessage): void;
  /** Hears every well-formed message; the rest is dropped before anybody sees it. */
  listen(listener: (message: WindowMessage) => void): Stop;
  close(): void;
};

/** Where windows of other tabs and the node's worker meet. */
export const windowsChannel = 'hearthnet:windows';

/** What Worker, MessagePort, BroadcastChannel and a worker's own scope have in common. */
export type MessageEndpoint = {
  postMessage(message: unknown): void;
  addEventListener(type: 'message', listener: (event: MessageEvent<unknown>) => void): void;
  removeEventListener(type: 'message', listener: (event: MessageEvent<unknown>) => void): void;
  start?(): void;
  close?(): void;
};

/** Makes a window port of any of them. A MessagePort starts with the first listener, so nothing that came earlier is lost. */
export const toWindowPort = (endpoint: MessageEndpoint): WindowPort => ({
  post: (message) => endpoint.postMessage(message),
  listen: (listener) => {
    const onMessage = (event: MessageEvent<unknown>): void => {
      const message = parseWindowMessage(event.data);
      if (message) listener(message);
    };
    endpoint.addEventListener('message', onMessage);
    endpoint.start?.();
    return () => endpoint.removeEventListener('message', onMessage);
  },
  close: () => endpoint.close?.(),
});

/** The broadcast channel of this profile as a window port, in a page or in a worker. */
export const openWindowsChannel = (name: string = windowsChannel): WindowPort =>
  toWindowPort(new BroadcastChannel(name));
