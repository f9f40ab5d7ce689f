import type { OpenRoom, OpenRoomAddress } from '../replica/documents/open-room.ts';

export type { OpenRoom, OpenRoomAddress };

/** A room for outsiders, on the page because only a page has peer connections. Loaded when somebody opens one. */
export const enterOpenRoom = async (address: OpenRoomAddress, onChange: () => void): Promise<OpenRoom> =>
  (await import('../replica/documents/open-room.ts')).openRoom(address, onChange);
