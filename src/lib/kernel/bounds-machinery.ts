/* Bounds of what the system runs on: the signalling server, transports, threads, stores. See bounds.ts. */

// signalling server: sockets (a frame above signalFrameBytesMax is refused, above the hard bound its socket is closed)
export const signalFrameHardBytesMax = 256 * 1024;
export const signalFrameDepthMax = 16;
export const signalFragmentsPerFrameMax = 64;
export const signalTopicsPerFrameMax = 256;
export const signalTopicsMax = 65_536;
export const signalFanoutBytesPerSecond = 16 * 1024 * 1024;
export const signalFanoutByteBurst = 64 * 1024 * 1024;
export const signalRefusalsPerSecond = 1;
export const signalRefusalBurst = 64;
export const signalCloseTimeoutMs = 2_000;
// server's own socket /mesh (kernel/wire/mesh-wire.ts, signaling/mesh): what a client sends, what the server answers
export const meshRequestBytesMax = 64 * 1024;
export const meshAnswerBytesMax = 384 * 1024;
export const meshSendBytesMax = 60 * 1024;
export const meshHostCharsMax = 255;
export const meshJoinMs = 10_000;
export const meetSampleMax = 16;
export const meetSampleScanMax = 1_024;
export const meshIceServersMax = 8;
export const meshIceUrlsMax = 8;
export const meshIceTextCharsMax = 512;
export const meshConnectionsMax = 24_000;
export const meshConnectionsPerAddressMax = 128;
export const meshTagsPerConnectionMax = 64;
export const meshTagsMax = 65_536;
export const meshBoxesPerConnectionMax = 16;
export const meshRequestsPerSecond = 500;
export const meshRequestBurst = 2_000;
export const meshBytesPerSecond = 2 * 1024 * 1024;
export const meshByteBurst = 8 * 1024 * 1024;
export const meshRefusalsPerSecond = 1;
export const meshRefusalBurst = 64;
/** Costly requests: signatures to check, mail pages to read. */
export const meshWorkPerSecond = 20;
export const meshWorkBurst = 200;
/** Small frames to one socket that wait for the end of a turn and leave together. */
export const socketGatherBytesMax = 16 * 1024;
/** Handed to a socket and not taken by the other side: above the first nothing more is passed on to it, above the second it is cut. */
export const meshBufferedBytesMax = 1024 * 1024;
export const meshBufferedHardBytesMax = 2 * 1024 * 1024;
// roster and mailboxes of the server (signaling/store)
export const rosterKeepMs = 14 * 24 * 3600_000;
export const rosterEntriesMax = 500_000;
export const rosterPerTagMax = 4_096;
/** The bound on all entries is looked at once in so many new ones. */
export const rosterBoundEvery = 1_000;
export const mailItemBytesMax = 60 * 1024;
export const mailKeepMs = 30 * 24 * 3600_000;
export const mailItemsPerTakeMax = 64;
export const mailPageBytesMax = 256 * 1024;
export const mailCursorCharsMax = 64;
export const mailBoxBytesMax = 64 * 1024 * 1024;
export const mailBytesMax = 4 * 1024 * 1024 * 1024;
/** Charged for each item beside its own bytes, so that many tiny items are bounded too. */
export const mailItemCostBytes = 128;
export const mailBytesPerAddressPerSecond = 4 * 1024;
export const mailByteBurstPerAddress = 64 * 1024 * 1024;
export const mailAddressesMax = 65_536;
export const mailPutsUnderwayMax = 64;
export const mailSweepMs = 10 * 60_000;
export const mailSweepItemsMax = 1_000;
export const turnCredentialS = 24 * 3600;
// several servers behind one Redis (signaling/cluster)
export const clusterPingMs = 1_000;
export const clusterSilentMs = 3_000;
export const clusterRetryMinMs = 100;
export const clusterRetryMaxMs = 2_000;
export const clusterCommandsMax = 100_000;
export const clusterBeatMs = 2_000;
/** Without a beat for so long a server counts as gone, and so does everybody who was there. */
export const clusterNodeTtlMs = 6_000;
export const clusterPresenceMs = 20_000;
export const clusterPresenceTtlMs = 60_000;
export const clusterBatchMs = 1;
export const clusterBatchBytesMax = 256 * 1024;
export const clusterMessageBytesMax = 1024 * 1024;
export const clusterNameCharsMax = 64;
/** Passed on to one other server and not yet answered: above it a sender hears `busy`. */
export const clusterInFlightBytesMax = 8 * 1024 * 1024;
export const clusterAnswerMs = 3_000;
export const clusterPerTagMax = 4_096;
export const clusterWhoMs = 250;
export const clusterMailScanMax = 2_048;
// signalling server: HTTP, static files, stopping
export const httpHeaderBytesMax = 16 * 1024;
export const httpHeadersTimeoutMs = 10_000;
export const httpRequestTimeoutMs = 30_000;
export const httpIdleTimeoutMs = 60_000;
export const httpKeepAliveMs = 5_000;
export const httpTimeoutCheckMs = 2_000;
export const httpSocketsMax = 36_000;
export const httpSocketsPerAddressMax = 256;
export const staticFilesMax = 10_000;
export const staticFolderDepthMax = 16;
export const staticBufferedFileBytesMax = 4 * 1024 * 1024;
export const staticCacheBytesMax = 32 * 1024 * 1024;
export const staticCompressBytesMin = 1024;
export const staticRecheckMs = 1_000;
export const storeLockWaitMs = 2_000;
export const serverStopGraceMs = 500;
export const serverStopMs = 1_500;
// transports (src/lib/transports)
export const announceIdleMs = 30_000;
export const announceSoonMs = 300;
export const participantTtlMs = 95_000;
export const participantsPerPlaceMax = 256;
export const roadsMax = 8;
export const participantCharsMax = 64;
export const meetingPlacesMax = 32;
export const meetingPadBytes = 1024;
export const meetingSdpCharsMax = 12 * 1024;
export const meetingMessageBytesMax = 16 * 1024;
export const meetingQueueMax = 128;
export const meetingNoncesSeenMax = 4_096;
export const meetingAttemptsSeenMax = 1_024;
export const meetingRetryMinMs = 1_000;
export const meetingRetryMaxMs = 30_000;
export const carrierFlapMs = 30_000;
export const carrierEarlyBytesMax = 1024 * 1024;
export const sdpLinesMax = 256;
export const sdpCandidatesMax = 64;
export const iceGatherMs = 1_500;
// linking two devices by codes on their screens (src/lib/mesh/pairing)
export const pairingBytesMax = 100;
export const pairingTextCharsMax = 1_024;
/** Between the two people's scans lies the time it takes to turn two phones around, and to read out a text at worst. */
export const pairingConnectMs = 180_000;
export const pairingStaleMs = 20 * 60_000;
/** Nobody keeps a code on the screen for longer. */
export const pairingOpenMs = 30 * 60_000;
/** A connection from the page to itself has so long to come about, and a given channel so long to send back a word. */
export const loopBackMs = 1_000;
export const loopBackEchoMs = 1_000;
export const rtcPeersMax = 64;
/** Connections that are open, or closed and still in memory: many, so that the collector is called; and as many as may be. */
export const rtcUnfreedMany = 128;
export const rtcUnfreedMax = 400;
export const rtcCollectBytes = 32 * 1024 * 1024;
export const rtcCollectTurnMs = 50;
export const rtcCollectTurnsMax = 40;
export const rtcUntakenBytesMax = 16 * 1024 * 1024;
export const rtcTookReportBytes = 256 * 1024;
export const signalMissedPongsMax = 2;
export const signalProbeMs = 2_000;
/** Told by a server that it stops: so long at most until this device comes back, so that a crowd does not come at once. */
export const meshMovePauseMs = 4_000;
/** Servers a device tries at once: its own, all that a log names, and the one the app came with must find room. */
export const meshServersMax = 8;
/** Names of others at one tag of one server that words to everybody go to: those who were there last. */
export const serverRoadNamesMax = 32;
// links over a server (src/lib/transports/relay-*): when one is made beside the direct one that does not come about
export const relayAfterMs = 3_000;
/** A direct pipe is looked for so often while a relayed link stands. */
export const relayUpgradeMs = 60_000;
export const relayPipesMax = 48;
export const relayKnockMs = 1_000;
export const relayFragmentBytes = 16 * 1024;
/** Sent and not yet said to have arrived: what a link begins with, and its bounds. */
export const relayWindowBytes = 128 * 1024;
export const relayWindowBytesMin = 32 * 1024;
export const relayWindowBytesMax = 512 * 1024;
export const relayAckBytes = 32 * 1024;
export const relayAckMs = 25;
export const relayBusyMs = 250;
export const relayResendMs = 2_000;
/** Without any word of the other end while something is under way: the link is over. */
export const relaySilentMs = 15_000;
/** The server says that the other end is not there: so long it may take to come back. */
export const relayGoneMs = 6_000;
/** Waiting to be opened by the link's seal. */
export const relayUnopenedBytesMax = 8 * 1024 * 1024;
// boxes at servers: requests under way at one server, and how long one may take
export const mailRequestsMax = 32;
export const mailAnswerMs = 10_000;
// windows and the leader (src/lib/node)
export const windowIdCharsMax = 64;
export const windowsMax = 64;
export const windowCallsMax = 256;
export const windowBeatMs = 5_000;
/** Above one minute: browsers let the timers of a page hidden for long run once a minute. */
export const windowGoneMs = 90_000;
export const nodeBeatMs = 1_000;
export const nodeBeatsMissedMax = 3;
export const nodeAnswerGraceMs = 2_000;
export const nodeAnswerTurnsMax = 4;
// receipts of devices that no event has named yet (src/lib/log)
export const receiptStrangersMax = 64;
// event store (src/lib/stores): one record holds at most so many successive events, and so many bytes unless one event has more
export const segmentEventsMax = 256;
export const segmentBytesMax = 60 * 1024;
/** Short records of a lane are joined when there are so many of them: each event is then rewritten a few times at most. */
export const segmentsJoinedMin = 32;
/** So many payloads that come after their events rewrite their segment; fewer are kept beside it until it is packed. */
export const segmentPayloadsMin = 8;
// signature checks on other threads (src/lib/crypto/verify-pool): fewer than this are done in the asking one
export const verifyBatchMin = 24;
export const verifyHelpersMax = 3;
export const verifyHelperMs = 20_000;
export const verifyIdleMs = 60_000;
