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
// signalling server: HTTP, static files, stopping
export const httpHeaderBytesMax = 16 * 1024;
export const httpHeadersTimeoutMs = 10_000;
export const httpRequestTimeoutMs = 30_000;
export const httpIdleTimeoutMs = 60_000;
export const httpKeepAliveMs = 5_000;
export const httpTimeoutCheckMs = 2_000;
export const httpSocketsMax = 12_000;
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
export const rtcPeersMax = 64;
export const rtcUntakenBytesMax = 16 * 1024 * 1024;
export const rtcTookReportBytes = 256 * 1024;
export const signalMissedPongsMax = 2;
export const signalProbeMs = 2_000;
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
