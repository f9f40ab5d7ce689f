import { checkCommand } from './check.ts';
import { answerMessage, refuseRequest } from './conformance.ts';
import { frameOf, readMessages, type StreamPart } from './framing.ts';

/*
 * Without arguments: answers the conformance stream on stdin and stdout until stdin ends. `check [COMMAND ...]`: asks another
 * implementation (this one when no command is named) every golden vector and prints what came of it.
 */
const replyTo = (part: StreamPart): Promise<Uint8Array> | Uint8Array => {
  if (part.kind === 'message') return answerMessage(part.bytes);
  return refuseRequest(null, part.kind === 'too-large' ? 'message-too-large' : 'message-truncated');
};

const serve = async (): Promise<number> => {
  let isGone = false;
  // Whoever asked has left: there is nobody to answer, and nothing is wrong here.
  process.stdout.on('error', () => (isGone = true));
  for await (const part of readMessages(process.stdin)) {
    const reply = frameOf(await replyTo(part));
    if (isGone) break;
    if (!process.stdout.write(reply))
      await new Promise<void>((resolve) => {
        process.stdout.once('drain', resolve);
        process.stdout.once('close', resolve);
      });
  }
  return 0;
};

const [mode, ...command] = process.argv.slice(2);
if (mode === undefined) process.exitCode = await serve();
else if (mode === 'check') process.exitCode = await checkCommand(command);
else {
  console.error(`${mode} means nothing here: nothing at all, or check and a command.`);
  process.exitCode = 1;
}
