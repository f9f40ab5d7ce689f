import { createWindowClient, type WindowClient } from '../../src/lib/node/window-client.ts';
import { serveWindows } from '../../src/lib/node/window-server.ts';
import { createHandClock, createTestNode, createWire, testContracts } from './window-world.ts';

/** One broadcast channel, a hand-driven clock, and people's windows and nodes on it. */
export const createStreet = () => {
  const { clock, advance } = createHandClock();
  const wire = createWire();
  const posts: string[] = [];
  const clients: WindowClient[] = [];
  const startNode = (name: string, term: number, build = 'build-1') => {
    const node = createTestNode(name, clock, posts);
    const server = serveWindows({ bus: node.bus, contractsByName: testContracts, clock, node: name, term, build });
    const port = wire.open();
    const remove = server.add(port);
    return { ...node, server, remove, vanish: port.cut };
  };
  const openWindow = (name: string) => {
    const client = createWindowClient({ clock, window: name, build: 'build-1' });
    clients.push(client);
    const port = wire.open();
    client.use(port);
    return { client, port };
  };
  const closeAll = (): void => {
    for (const client of clients) client.close();
  };
  return { clock, advance, wire, posts, closeAll, startNode, openWindow };
};
