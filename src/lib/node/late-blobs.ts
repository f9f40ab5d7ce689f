import {
  blobsCancel,
  blobsFetch,
  blobsHave,
  blobsList,
  blobsPin,
  blobsPut,
  blobsRead,
  blobsRemove,
  blobsUnpin,
} from '../contracts/blobs.ts';
import type { Bus } from '../kernel/bus/bus.ts';
import type { Startable } from '../kernel/lifecycle.ts';
import type { Blobs } from '../kernel/ports/blobs.ts';
import { ok } from '../kernel/result.ts';
import type { BlobServicesDeps } from './blob-services.ts';
import type { LateParts } from './late-parts.ts';
import { createLateService } from './late-service.ts';
import type { LoadPart } from './load-part.ts';

/** Files, loaded behind the start: neighbours may fetch from here without anybody here having asked for one. */
export const createLateBlobs = (
  deps: Omit<BlobServicesDeps, 'blobs'> & {
    readonly blobs: LoadPart<Blobs>;
    readonly parts: Pick<LateParts, 'blobServices'>;
  },
): Startable =>
  createLateService({
    bus: deps.bus,
    capabilities: [
      blobsPut,
      blobsFetch,
      blobsCancel,
      blobsRead,
      blobsList,
      blobsPin,
      blobsUnpin,
      blobsRemove,
      blobsHave,
    ],
    load: async () => {
      const part = await deps.parts.blobServices();
      if (!part.ok) return part;
      const blobs = await deps.blobs();
      if (!blobs.ok) return blobs;
      return ok((bus: Bus) => part.value.createBlobServices({ ...deps, bus, blobs: blobs.value }));
    },
    isWantedSoon: true,
  });
