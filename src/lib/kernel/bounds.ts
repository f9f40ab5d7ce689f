/*
 * Every bound of the system with the unit at the end of its name (P6), here those of log, links, bus, library and people. Code says
 * `limits.<name>` (limits.ts). Bounds delay, refuse or void; they never make two honest nodes keep different logs.
 */
export * from './bounds-machinery.ts';
export * from './bounds-services.ts';

// encodings
export const cborDepthMax = 16;
// events (protocol 3)
export const payloadBytesMax = 60 * 1024;
export const envelopeBytesMax = 512;
export const payloadSaltBytes = 16;
export const authorityHeadsMax = 8;
// who belongs (src/lib/log): one act names at most so many lanes of the person it is aimed at; 56 KiB of payload hold them
export const cutsMax = 512;
// checkpoints: how many devices one names, how long after its month it is due, how often a person says one of a lane
export const checkpointPlacesMax = 512;
export const checkpointDelayMs = 3 * 24 * 60 * 60_000;
export const checkpointsPerLaneMax = 4;
export const intentBytesMax = 48 * 1024;
export const coSignaturesMax = 8;
export const quorumMax = 3;
export const proposalsShownMax = 32;
export const proposalsPerPersonMax = 8;
export const olderEpochsMax = 3;
export const sealsPerEventMax = 250;
export const keyLifeMs = 30 * 24 * 3600_000;
export const dutyPauseMs = 3_000;
export const twinLinksMs = 5_000;
export const dutyLookMs = 10 * 60_000;
// forks (src/lib/log): what has no place in the log because its lane is forked; proofs of devices no event has named yet;
// combinations of twins that are tried for a pinned run; certificates remembered by their event
export const proofBytesMax = 1040;
export const twinsMax = 16_384;
export const twinsPerLaneMax = 4_096;
export const twinsPerPlaceMax = 4;
export const proofStrangersMax = 64;
export const forkRunsMax = 64;
export const namingsMax = 8_192;
export const clientsMax = 16_384;
/** Payloads of authority events that wait, in all. */
export const waitingPayloadBytesMax = 8 * 1024 * 1024;
export const orphansPerAuthorMax = 256;
export const orphansMax = 4096;
export const parkedEventsMax = 4096;
export const messageTextBytesMax = 4096;
export const nameCharsMax = 40;
export const reasonCharsMax = 200;
export const communityNameCharsMax = 60;
// links (protocol 5)
export const carrierMessageBytesMax = 64 * 1024;
export const chunkBytes = 60 * 1024;
export const frameBytesMax = 1024 * 1024;
export const bufferedAmountHighBytes = 1024 * 1024;
export const bufferedAmountLowBytes = 256 * 1024;
export const helloTimeoutMs = 10_000;
export const helloBytesMax = 4096;
export const connectTimeoutMs = 15_000;
export const linksMax = 24;
export const guestLinksMax = 4;
// sync (protocol 4)
export const syncFrameEventsMax = 160;
export const syncUpdateBytesMax = 56 * 1024;
export const stateVectorEntriesMax = 4096;
export const wantIdsMax = 256;
// Frames that wait for their turn on one link; past it the link ends, and the next one goes on where this one stopped.
export const syncQueueBytesMax = 64 * 1024 * 1024;
export const antiEntropyMs = 30_000;
export const linkFramesPerMinuteMax = 60_000;
export const linkBytesPerMinuteMax = 512 * 1024 * 1024;
// Live pushes of one author over one link in a minute; what is over it is asked for later, as history is.
export const livePushEventsPerMinuteMax = 1_200;
export const livePushBytesPerMinuteMax = 8 * 1024 * 1024;
export const livePushAuthorsMax = 512;
// A preview (protocol 10): who lacks more than the first of a month gets so many of its newest events ahead, a screenful of them
// before the others; and what the payloads of events that wait to be shown may take in all.
export const previewMin = 400;
export const previewEvents = 200;
export const previewScreenEvents = 40;
export const previewPayloadBytesMax = 8 * 1024 * 1024;
/** How long own appends wait at most for the first neighbour's word on our own lanes after a start. */
export const ownComparisonMs = 5_000;
// receipts and presence
export const receiptMinIntervalMs = 1_000;
export const presenceIntervalMs = 30_000;
export const presenceTtlMs = 90_000;
export const presenceBytesMax = 8 * 1024;
// bus (protocol 8)
export const callTimeoutMs = 15_000;
export const callsInFlightPerPeerMax = 16;
export const callsPerMinutePerPeerMax = 600;
export const streamCreditItems = 32;
export const streamQueueItemsMax = 256;
export const tracesMax = 10_000;
export const traceCandidatesMax = 32;
export const healthWindowCalls = 100;
export const quarantineMs = 60_000;
// invites (protocol 6)
export const inviteBytesMax = 100;
export const inviteOnScreenMs = 15 * 60_000;
export const inviteOnPaperMs = 7 * 24 * 3600_000;
export const invitesOpenMax = 16;
export const admissionsWaitingMax = 8;
// signalling (client side and server side)
export const signalFrameBytesMax = 64 * 1024;
export const signalTopicsPerConnectionMax = 32;
export const signalTopicChars = 128;
export const signalConnectionsMax = 10_000;
export const signalConnectionsPerAddressMax = 128;
export const signalMessagesPerSecond = 50;
export const signalMessageBurst = 200;
export const signalBytesPerSecond = 512 * 1024;
export const signalByteBurst = 2 * 1024 * 1024;
export const signalBufferedBytesMax = 1024 * 1024;
export const signalPingMs = 25_000;
export const signalReconnectMinMs = 500;
export const signalReconnectMaxMs = 15_000;
export const announceIntervalMs = 5_000;
// library
export const documentBytesMax = 5 * 1024 * 1024;
export const documentsMax = 2_000;
export const corporaMax = 64;
export const passageWordsMax = 200;
export const passageWordsMin = 120;
export const searchResultsMax = 20;
export const queryCharsMax = 1_000;
// people's input
export const titleCharsMax = 200;
// retrieval (src/lib/search)
export const wordCharsMax = 64;
export const analyzerWordsMax = 100_000;
export const languageSampleChars = 20_000;
export const compoundTermsMax = 48;
export const frontMatterLinesMax = 256;
export const frontMatterLineCharsMax = 8_192;
export const documentSourcesMax = 64;
export const libraryTextCharsMax = 256 * 1024 * 1024;
export const passageCharsMax = 4_000;
export const sentenceCharsMax = 400;
export const quotesMax = 5;
export const corpusNameCharsMax = 64;
