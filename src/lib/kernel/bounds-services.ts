/* Bounds of blobs, tokens, devices, rooms and documents. See bounds.ts. */

// blobs (protocol 10): what one may be, what this device keeps, and what one neighbour may ask for
export const blobChunkBytes = 256 * 1024;
export const blobBytesMax = 4 * 1024 ** 3;
export const blobChunksMax = 16_384;
export const blobTypeCharsMax = 100;
export const blobHoldersMax = 256;
export const blobHolderCharsMax = 120;
export const blobsMax = 10_000;
export const blobQuotaBytesMax = 64 * 1024 ** 3;
export const blobsWantedMax = 256;
export const blobsFetchedAtOnceMax = 4;
/** In one question to a neighbour what it has. */
export const blobsAskedAtOnceMax = 64;
export const blobSilenceMs = 10_000;
export const blobLookAgainMs = 10_000;
export const bulkChunksAskedMax = 16;
export const bulkAsksWaitingMax = 64;
export const bulkFramesPerMinuteMax = 30_000;
export const bulkBytesPerMinuteMax = 1024 ** 3;
export const bulkUnaskedMax = 64;
export const bulkInterestsMax = 64;
// tokens (protocol 9): a link, the whole chain, what a call carries, what a device keeps
export const tokenLinksMax = 4;
export const tokenBytesMax = 2_400;
export const tokensPerCallMax = 4;
export const tokenLifeMs = 24 * 3600_000;
export const tokenLifeMaxMs = 31 * 24 * 3600_000;
export const tokenSkewSeconds = 600;
export const tokenTextCharsMax = 80;
export const tokenFieldsMax = 8;
export const tokenChoicesMax = 32;
export const tokenRpmMax = 600;
export const tokenCountersMax = 1_024;
export const tokensRememberedMax = 256;
export const tokensHeldMax = 64;
export const tokensIssuedMax = 256;
export const callParamsMax = 8;
export const callParamCharsMax = 80;
// community clock (protocol 3): persons whose Hello clocks make a median, and the distance below which nobody is off
export const clockPersonsMin = 3;
export const clockPersonsMax = 400;
export const clockOffMs = 5 * 60_000;
// devices: linking, giving up, taking one's data along
export const linkCodeMs = 15 * 60_000;
/** A person's device that had to give up its key comes back without a tap, so often in an hour at one neighbour. */
export const adoptionsPerHourMax = 3;
export const adoptionRetryMs = 15_000;
/** A device that gives up its key waits so long for more of its own writing to come from neighbours. */
export const retireQuietMs = 2_000;
export const passphraseCharsMin = 12;
export const passphraseCharsMax = 1_024;
export const exportBytesMax = 256 * 1024 * 1024;
export const exportRecordBytesMax = 8 * 1024 * 1024;
export const exportEventsPerRecord = 128;
/** scrypt's work factor N as a power of two: below it a machine guesses too fast, above it a phone has not the memory. */
export const scryptLog2Min = 15;
export const scryptLog2Max = 18;
// rooms (protocol 3): effective messages of one person in one UTC day; more are kept and void
export const roomMessagesPerDayMax = 2_000;
/** A message whose time lies further ahead of this node's is shown as "time unclear". */
export const messageFutureMs = 5 * 60_000;
/** Events that are read for the room in one turn, behind the first screen. */
export const roomReadEvents = 2_000;
/** Events whose expiry is looked at in one turn, and payloads that are dropped in one commit. */
export const expiryScanEvents = 2_000;
export const payloadsDroppedAtOnceMax = 256;
// collaborative documents (src/lib/replica/documents). Every bound of a verdict counts, none measures time: verdicts are the same everywhere.
export const documentTitleCharsMax = 80;
export const documentsPerPersonMax = 32;
export const documentUpdateBytesMax = 16 * 1024;
/** Structs and deleted ranges of one update together. */
export const documentUpdateStructsMax = 2_000;
export const documentDeviceStructsMax = 20_000;
/** Characters and ticks one device can ever have written in one document, deleted ones too. */
export const documentDeviceUnitsMax = 200_000;
/** Items that are walked over to find the place of new words: of one update, and of all updates of one device. */
export const documentUpdateStepsMax = 50_000;
export const documentDeviceStepsMax = 1_000_000;
/** What screens let a document grow to; and how much is written in one event. */
export const documentCharsMax = 40_000;
export const documentPieceChars = 4_000;
export const documentEditPartsMax = 256;
export const documentChangesMax = 40;
export const documentChangeChars = 160;
/** Patience with the document worker: to answer at all, for each update, and at most for a whole document made anew. */
export const documentAnswerMs = 2_000;
export const documentApplyMs = 250;
export const documentRebuildMs = 20_000;
// the picture of the neighbourhood and the self-check of the connection (src/lib/services/mesh)
export const topologyNodesMax = 512;
export const topologyEdgesMax = 4_096;
/** Patience of one step of the self-check. */
export const checkStepMs = 6_000;
// the community's box at a relay and letters for one device (src/lib/mail)
export const boxPadBytes = 1024;
export const boxEventsPerItemMax = 512;
export const boxReceiptsPerItemMax = 8;
export const boxLettersPerItemMax = 64;
/** What was just written waits so long for more; when everybody is linked, so long for their receipts. */
export const boxSoonMs = 300;
export const boxReceiptsWaitMs = 4_000;
/** A box is looked into so often while its relay can be reached. */
export const boxLookMs = 60_000;
/** What others wrote is handed on for them so late, and later by this much for each device, so that mostly one does. */
export const boxCourierMs = 45_000;
export const boxCourierPerDeviceMs = 1_000;
/** Items handed on, and read, in one look. */
export const boxPutsPerLookMax = 128;
export const boxPagesPerLookMax = 64;
/** An answer for a box is given once receipts were written, at most so often; more devices answer less often. */
export const boxAnswerMs = 2_000;
export const boxAnswerPerDeviceMs = 1_000;
export const boxLedgersMax = 64;
export const letterBytesMax = 16 * 1024;
export const letterTopicCharsMax = 40;
export const mailFramesPerMinuteMax = 240;
export const lettersUnderWayMax = 256;
/** Letters that have arrived are remembered so that none is read twice. */
export const lettersReadMax = 4_096;
/** A letter given to its device itself goes to relays and carriers too when no word of it has come after so long. */
export const letterAnswerMs = 5_000;
/** Neighbours that are asked to carry a letter, and what one carries: of one device, and in all. */
export const lettersCarriersMax = 3;
export const custodyBytesPerDeviceMax = 1024 * 1024;
export const custodyBytesMax = 16 * 1024 * 1024;
// servers a neighbourhood knows (src/lib/log, src/lib/node/known-servers)
export const serversInLogMax = 5;
export const serverAddressCharsMax = 200;
/** A server of one's own that has been open for so long is told to the neighbourhood. */
export const serverTellMs = 60_000;
