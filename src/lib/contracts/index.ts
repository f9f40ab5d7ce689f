import type { AnyCapability } from '../kernel/call.ts';
import { askAnswer } from './ask.ts';
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
} from './blobs.ts';
import { chatHistory, chatRemove, chatSend } from './chat.ts';
import {
  communityAdmit,
  communityAgree,
  communityCancelJoin,
  communityFound,
  communityInvite,
  communityJoin,
  communityLeave,
  communityMembers,
  communityPromote,
  communityPropose,
  communitySetPolicy,
} from './community.ts';
import {
  devicesAdopt,
  devicesCard,
  devicesConfirm,
  devicesErase,
  devicesExport,
  devicesImport,
  devicesLink,
  devicesLinkCode,
  devicesList,
  devicesRestore,
  devicesRevoke,
  devicesTestCard,
} from './devices.ts';
import { documentsCreate, documentsEdit, documentsList, documentsOpen } from './documents.ts';
import { libraryCorpora, libraryIngest, libraryRead, libraryRemove, librarySearch } from './library.ts';
import { logBundle, logEntries, logOverview } from './log.ts';
import { meshPeers, meshPing } from './mesh.ts';
import { nodeConfigure, nodeInfoCapability, nodeSelfTest, nodeTraces } from './node.ts';
import { tokensAccept, tokensAttenuate, tokensIssue, tokensList, tokensRevoke } from './tokens.ts';

const all = [
  nodeInfoCapability,
  nodeConfigure,
  nodeSelfTest,
  nodeTraces,
  communityFound,
  communityJoin,
  communityCancelJoin,
  communityInvite,
  communityAdmit,
  communityMembers,
  communityPromote,
  communityPropose,
  communityAgree,
  communityLeave,
  communitySetPolicy,
  chatSend,
  chatRemove,
  chatHistory,
  logOverview,
  logEntries,
  logBundle,
  meshPeers,
  meshPing,
  librarySearch,
  libraryRead,
  libraryIngest,
  libraryCorpora,
  libraryRemove,
  askAnswer,
  devicesList,
  devicesLinkCode,
  devicesLink,
  devicesConfirm,
  devicesRevoke,
  devicesCard,
  devicesTestCard,
  devicesRestore,
  devicesExport,
  devicesImport,
  devicesErase,
  devicesAdopt,
  tokensIssue,
  tokensAttenuate,
  tokensAccept,
  tokensList,
  tokensRevoke,
  documentsList,
  documentsCreate,
  documentsOpen,
  documentsEdit,
  blobsPut,
  blobsFetch,
  blobsCancel,
  blobsRead,
  blobsList,
  blobsPin,
  blobsUnpin,
  blobsRemove,
  blobsHave,
] as unknown as readonly AnyCapability[];

/** Every capability this build knows, by name: what a frame or a window may ask for. Unknown names are refused. */
export const contractsByName: ReadonlyMap<string, AnyCapability> = new Map(
  all.map((capability) => [capability.name, capability]),
);
