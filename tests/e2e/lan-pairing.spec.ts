import { expect, test } from '@playwright/test';
import { pairingTexts, readPairingText } from '../../src/lib/crypto/pairing-text.ts';
import { openLanStreet, type LanResident } from '../support/lan-street.ts';
import { namespaceObstacle } from '../support/street-network.ts';
import { emojiOn, giveName, goTo, letIn, say } from '../support/walks.ts';

const begin = async ({ page }: LanResident, way: 'with' | 'without'): Promise<string> => {
  await page.getByRole('button', { name: way === 'with' ? 'Begin with the camera' : 'Begin without a camera' }).click();
  const words = page.getByTestId('pairing-words');
  await expect(words).toBeAttached({ timeout: 20_000 });
  return words.inputValue();
};
const paste = async ({ page }: LanResident, words: string): Promise<void> => {
  await page.getByRole('textbox', { name: "Your neighbour's code" }).fill(words);
  await page.getByRole('button', { name: 'Use this code' }).click();
};
/** What stands on the other's screen, for a camera that is a file. */
const pictureOf = (words: string): string => {
  const code = readPairingText(words);
  if (!code.ok) throw new Error(code.error);
  return pairingTexts(code.value).picture;
};
const stepOf = ({ page }: LanResident) => page.getByTestId('pairing');

/** Anna founds a neighbourhood; Bora opens her invite on his own machine. They have no server and no internet. */
const meetAtTheDoor = async (anna: LanResident, bora: LanResident): Promise<void> => {
  await anna.page.goto(anna.url);
  await giveName(anna);
  await anna.page.getByRole('button', { name: 'Start', exact: true }).click();
  await expect(anna.page.getByRole('heading', { name: 'You are in' })).toBeVisible();
  await anna.page.goto(`${anna.url}/mesh/`);
  await anna.page
    .getByRole('button', { name: /Show my code/ })
    .first()
    .click();
  const link = await anna.page.getByTestId('invite-link').inputValue();
  await anna.page.keyboard.press('Escape');
  await bora.page.goto(`${bora.url}/${new URL(link).hash}`);
  await giveName(bora);
  await bora.page.getByRole('button', { name: 'Join', exact: true }).click();
  await bora.page.getByRole('link', { name: 'Connect without a server' }).click();
  await anna.page.goto(`${anna.url}/mesh/pair/`);
};

const letInAndTalk = async (anna: LanResident, bora: LanResident): Promise<void> => {
  await expect(stepOf(anna)).toHaveAttribute('data-step', 'door', { timeout: 30_000 });
  await expect(stepOf(bora)).toHaveAttribute('data-step', 'door');
  await bora.page.getByRole('link', { name: 'Show the pictures' }).click();
  await anna.page.getByRole('link', { name: 'Open the door' }).click();
  const own = await emojiOn(bora.page);
  expect(await letIn(anna)).toEqual(own);
  await expect(bora.page.getByRole('heading', { name: 'You are in' })).toBeVisible({ timeout: 20_000 });
  await goTo(bora, 'chat');
  await say(anna, 'Water at the corner');
  await expect(bora.page.getByText('Water at the corner')).toBeVisible({ timeout: 20_000 });
};

const obstacle = namespaceObstacle();

test('behind a router without internet anna and bora connect by two codes as text, and he comes in with her invite', async () => {
  test.skip(obstacle !== null, `${obstacle}: pairing over a network of its own is NOT tested here`);
  const street = await openLanStreet(['anna', 'bora'], 'route');
  try {
    const [anna, bora] = [await street.move('anna'), await street.move('bora')];
    await meetAtTheDoor(anna, bora);
    const [annas, boras] = [await begin(anna, 'without'), await begin(bora, 'without')];
    await paste(anna, boras);
    await expect(stepOf(anna)).toHaveAttribute('data-step', 'connecting');
    await paste(bora, annas);
    await letInAndTalk(anna, bora);
    expect([...anna.complaints, ...bora.complaints]).toEqual([]);
  } finally {
    await street.close();
  }
});

test('on a switch without any route they connect by the two cameras, which is what gives them addresses there', async () => {
  test.skip(obstacle !== null, `${obstacle}: pairing without a route is NOT tested here`);
  const street = await openLanStreet(['anna', 'bora'], 'no-route');
  try {
    const anna = await street.move('anna', { camera: true });
    const bora = await street.move('bora', { camera: true });
    await meetAtTheDoor(anna, bora);
    const [annas, boras] = [await begin(anna, 'with'), await begin(bora, 'with')];
    anna.show(pictureOf(boras));
    bora.show(pictureOf(annas));
    await letInAndTalk(anna, bora);
    expect([...anna.complaints, ...bora.complaints]).toEqual([]);
  } finally {
    await street.close();
  }
});
