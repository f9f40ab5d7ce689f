import type { AnyCapability } from '../kernel/call.ts';
import { askAnswer } from './ask.ts';
import { chatHistory, chatSend } from './chat.ts';
import {
  communityAdmit,
  communityCancelJoin,
  communityFound,
  communityInvite,
  communityJoin,
  communityMembers,
} from './community.ts';
import { libraryCorpora, libraryIngest, libraryRead, libraryRemove, librarySearch } from './library.ts';
import { meshPeers, meshPing } from './mesh.ts';
import { nodeConfigure, nodeInfoCapability, nodeSelfTest, nodeTraces } from './node.ts';

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
  chatSend,
  chatHistory,
  meshPeers,
  meshPing,
  librarySearch,
  libraryRead,
  libraryIngest,
  libraryCorpora,
  libraryRemove,
  askAnswer,
] as unknown as readonly AnyCapability[];

/** Every capability this build knows, by name: what a frame or a window may ask for. Unknown names are refused. */
export const contractsByName: ReadonlyMap<string, AnyCapability> = new Map(
  all.map((capability) => [capability.name, capability]),
);
