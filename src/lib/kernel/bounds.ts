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
/** A link that stood for less is not looked for at once when it falls. */
export const shortLinkMs = 5_000;
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
// overlay (src/lib/mesh/overlay): up to so many others everybody is linked with everybody; above, a device holds `overlayDegree`
// links by itself and takes a few more that others need; those it called for itself beside them are the oldest to go
export const fullMeshMax = 8;
export const overlayDegree = 8;
export const overlayDegreeMax = 12;
export const overlayNear = 2;
export const overlayShuffleMs = 30_000;
export const overlayShuffleMax = 8;
export const overlayKnownMax = 512;
/** Whoever was not heard of for so long is no longer counted among those who are here. */
export const overlayKnownMs = 3 * 60_000;
export const overlayPartedMs = 60_000;
export const ringLookMs = 1_000;
export const linksTellMs = 1_000;
/** A device is heard of by those it is not linked with so much more seldom for each device there is. */
export const spreadPerDeviceMs = 300;
export const overlayWordBytesMax = 24 * 1024;
export const overlayWordsPerMinuteMax = 1_200;
export const graftPauseMs = 2_000;
// a device whose tree lost the link that brought it news asks so many others for it at once, in so many words in all
export const treeMendLinks = 2;
export const treeMendWordsMax = 64;
export const overlayTreesMax = 2_048;
export const linkListMax = 32;
export const linkOnDemandMs = 8_000;
export const linkOnDemandIdleMs = 5 * 60_000;
/** What travels with a sign of life, and how old news has to be to be told that way: the tree has brought it by then. */
export const riderBytesMax = 60 * 1024;
export const haveAfterMs = 1_000;
export const haveHeadsMax = 128;
/** Events that are pushed to one neighbour at once; who lacks more asks for them. */
export const pushGapMax = 32;
// words passed on between neighbours (mesh road): over so many links at most, so many further ones each, so many a minute of one link
export const roadHopsMax = 2;
export const roadFanout = 3;
export const roadWordsPerMinuteMax = 600;
export const roadSeenMax = 2_048;
export const roadNamesMax = 1_024;
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
// Who was let in less than this ago has a tenth of it, in neighbourhoods that are older than that and have more people than this.
export const newcomerMs = 7 * 24 * 3600_000;
export const newcomerPeopleMin = 20;
export const newcomerPart = 0.1;
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
/** The more devices there are, the more seldom each of them says what it holds: so much for each, above the least. */
export const receiptPerDeviceMs = 50;
/** How many of an author's neighbours, about, send their receipt at once in a neighbourhood where news is passed on. */
export const receiptsAtOnce = 4;
export const presenceIntervalMs = 30_000;
export const presenceTtlMs = 90_000;
export const presenceBytesMax = 8 * 1024;
export const presenceOffersMax = 64;
/** While a device saves its battery; what changes is told at once all the same. */
export const presenceSavingIntervalMs = 5 * 60_000;
/** Manifests of one neighbour that are looked at in a minute: an honest device sends five a second at most. */
export const presencePerMinuteMax = 300;
/** How often the time of a link's last frame is noted for its device's offers. */
export const presenceLookMs = 5_000;
// giving: below it the battery saver begins by itself; areas of abilities a person may have decided about
export const batteryLowPercent = 20;
export const givingAreasMax = 64;
// bus (protocol 8)
export const callTimeoutMs = 15_000;
export const callsInFlightPerPeerMax = 16;
export const callsPerMinutePerPeerMax = 600;
/** Callers whose calls of this minute are counted. */
export const callersCountedMax = 1_024;
/** Handler times of a capability that are remembered, and when a caller who found it full is told to come back. */
export const handlerTimesMax = 32;
export const retryAfterMinMs = 100;
export const retryAfterMaxMs = 60_000;
export const retryAfterUnknownMs = 1_000;
// answers kept so that a repeated call finds them (repeat-book.ts): for how long, how many, how much of one caller and of all
export const repeatMs = 10 * 60_000;
export const repeatsMax = 1_024;
export const repeatsPerCallerMax = 64;
export const repeatBytesMax = 8 * 1024 * 1024;
export const repeatBytesPerCallerMax = 256 * 1024;
export const callDeadlineMsMax = 24 * 3600_000;
/** Characters of a trace, a client id and a session. */
export const callNameCharsMax = 80;
export const streamCreditItems = 32;
export const streamQueueItemsMax = 256;
export const streamItemBytesMax = 64 * 1024;
// A longer input travels as a blob; all that is lent or fetched for calls at once, and how many are fetched from one neighbour.
export const inlineInputBytesMax = 256 * 1024;
export const callInputBytesMax = 16 * 1024 * 1024;
export const callInputsBytesMax = 64 * 1024 * 1024;
export const callInputsPerPeerMax = 2;
export const callInputChunksAskedMax = 4;
/** What fits over a link that has drained, however full its low mark lets it be. */
export const rpcFrameBytesMax = 720 * 1024;
export const replyBytesMax = 704 * 1024;
export const rpcFramesPerMinuteMax = 24_000;
/** Calls that ended lately, whose last frames may still be on their way, and how many of each. */
export const rpcEndedCallsMax = 64;
export const rpcLateFramesMax = 64;
export const rpcSendAgainMs = 50;
export const tracesMax = 10_000;
export const traceCandidatesMax = 32;
export const tracesShownMax = 200;
export const figureRowsMax = 512;
/** Figures and traces that a screen follows come no more often than this. */
export const figuresLiveMs = 1_000;
export const healthWindowCalls = 100;
export const quarantineMs = 60_000;
/** Pairs of device and capability whose last calls are remembered. */
export const healthWindowsMax = 4_096;
export const sessionsMax = 10_000;
export const sessionIdleMs = 10 * 60_000;
/** A cheap question is asked at a second device when the first has been silent for twice its usual time, and never before this. */
export const hedgeAfterMs = 100;
/** How long a repeatable call waits for the device whose link broke under it, and how often it then tries. */
export const reconnectGraceMs = 5_000;
export const reconnectTriesMax = 3;
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
