import { setTimeout as pause } from 'node:timers/promises';
import { someBytes } from '../unit/mesh-fixture.ts';
import { joinLine, meet, pooled, type Guest } from './server-line.ts';
import { openFilesMax, type BenchServer } from './server-processes.ts';

const perAddress = 100;
const perTag = 50;
/** What a process needs beside its sockets: its own files, and room for those that come and go. */
const spareFiles = 60;

export type IdleFigures = { sockets: number; wanted: number; rssMb: number; rssBeforeMb: number; stillOpen: number };

/**
 * So many people who have joined and met, 50 at a tag, and then say nothing but the answer to a ping. They come from as many addresses
 * of 127.0.0.0/8 as the server's own bound on one address asks for. Memory is read after two rounds of pings.
 */
export const measureIdle = async (server: BenchServer, wanted: number, holdMs: number): Promise<IdleFigures> => {
  const possible = Math.min(wanted, openFilesMax() - spareFiles);
  const rssBeforeMb = server.rssMb();
  const guests: Guest[] = [];
  let tag = someBytes(32);
  await pooled(possible, 64, async (index) => {
    const from = `127.0.${1 + Math.floor(index / perAddress / 200)}.${1 + (Math.floor(index / perAddress) % 200)}`;
    if (index % perTag === 0) tag = someBytes(32);
    const guest = await joinLine({ host: server.host, port: server.port, from });
    await meet(guest, tag);
    guests.push(guest);
  });
  await pause(holdMs);
  const stillOpen = guests.filter(({ line }) => line.isOpen()).length;
  const rssMb = server.rssMb();
  await pooled(guests.length, 256, async (index) => {
    guests[index]?.line.socket.destroy();
    await guests[index]?.line.closed;
  });
  return { sockets: guests.length, wanted, rssMb, rssBeforeMb, stillOpen };
};
