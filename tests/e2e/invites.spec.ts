import { expect, test } from '@playwright/test';
import { encodeInvite } from '../../src/lib/crypto/invite.ts';
import { openStreet, openTab, type Resident, type Street } from '../support/street.ts';
import { emojiOn, foundNeighbourhood, giveName, goTo, knock, letIn, showInvite } from '../support/walks.ts';

/** Each way an invite can go wrong has a sentence of its own, and a way on. */
test.describe.configure({ mode: 'serial' });

let street: Street;
let anna: Resident;
let chen: Resident;

test.beforeAll(async () => {
  street = await openStreet();
  await street.startServer();
  anna = await street.move('Anna');
  await foundNeighbourhood(street, anna);
  chen = await street.move('Chen');
});
test.afterAll(() => street.close());

const sentences = {
  expired: 'This invite has run out. Ask the person who sent it for a new one.',
  unreadable: 'This is not an invite, or a part of it is missing. Copy the whole link and paste it again.',
  used: 'Somebody has already used this invite; each one works once. Ask for a new one.',
  refused: 'The person who invited you said no. Talk to them, they can send a new invite.',
  member: 'You are already in a neighbourhood. This device can be in one at a time.',
};

const bytes = (length: number, fill: number) => new Uint8Array(length).fill(fill);
/** Good in every way, but its time was over one second after it could first have been made. */
const expired = encodeInvite({
  community: bytes(16, 1),
  inviter: bytes(32, 2),
  secret: bytes(16, 3),
  expires: 1,
  hint: '',
});

const join = (resident: Resident) => resident.page.getByRole('button', { name: 'Join', exact: true });

test('an invite that has run out says so where it was opened', async () => {
  await chen.page.goto(`${street.url()}/#join=${expired}`);
  await giveName(chen);
  await join(chen).click();
  await expect(chen.page.getByRole('alert').filter({ hasText: sentences.expired })).toBeVisible();
});

test('what is no invite, or a part of one, says so', async () => {
  for (const text of ['hello', `${street.url()}/#join=${expired.slice(0, 40)}`, '€'.repeat(200), 'A'.repeat(1_500)]) {
    await chen.page.getByLabel('Invite link or code').fill(text);
    await join(chen).click();
    await expect(chen.page.getByRole('alert').filter({ hasText: sentences.unreadable })).toBeVisible();
  }
  expect(new URL(chen.page.url()).hash).toBe('');
});

test('Anna turns Chen away: he is told that she said no, and can take another invite', async () => {
  const link = await showInvite(street, anna);
  await chen.page.getByLabel('Invite link or code').fill(link);
  await join(chen).click();
  await emojiOn(chen.page);
  await anna.page.getByTestId('waiting').getByRole('button', { name: 'Turn away' }).click();
  await expect(anna.page.getByText('Chen was turned away.')).toBeVisible();
  await expect(chen.page.getByRole('heading', { name: 'This invite did not open the door' })).toBeVisible();
  await expect(chen.page.getByRole('alert').filter({ hasText: sentences.refused })).toBeVisible();
  await expect(anna.page.getByTestId('waiting')).toHaveCount(0);
  await chen.page.getByRole('button', { name: 'Use another invite' }).click();
  await expect(chen.page.getByText('Hello, Chen')).toBeVisible();
});

test('an invite works once: Bora gets in with it, Chen is told that it was used', async () => {
  const link = await showInvite(street, anna);
  const bora = await street.move('Bora');
  await knock(link, bora, 'en');
  await letIn(anna);
  await expect(bora.page.getByRole('heading', { name: 'You are in' })).toBeVisible({ timeout: 30_000 });
  await chen.page.goto(link);
  await join(chen).click();
  await expect(chen.page.getByRole('alert').filter({ hasText: sentences.used })).toBeVisible({ timeout: 30_000 });
  await expect(anna.page.getByTestId('waiting')).toHaveCount(0);
  await street.moveOut(bora);
});

test('Anna opens her own invite: she is in already, and puts it aside', async () => {
  const link = await showInvite(street, anna);
  await anna.page.goto('about:blank');
  await anna.page.goto(link);
  await expect(anna.page.getByRole('alert').filter({ hasText: sentences.member })).toBeVisible();
  await anna.page.getByRole('button', { name: 'Put the invite aside' }).click();
  await expect(anna.page.getByRole('alert').filter({ hasText: sentences.member })).toHaveCount(0);
  await expect(anna.page.getByRole('heading', { name: 'You are in' })).toBeVisible();
});

test('Anna is away: Chen waits at the door over a reload, and gets in when she comes back', async () => {
  const link = await showInvite(street, anna);
  await street.moveOut(anna);
  await chen.page.getByRole('button', { name: 'Use another invite' }).click();
  await chen.page.goto(link);
  await join(chen).click();
  await expect(chen.page.getByRole('heading', { name: 'Waiting for your neighbour to let you in' })).toBeVisible();
  await expect(chen.page.getByText('Knocking. It tries again by itself.')).toBeVisible();
  await chen.page.reload();
  await expect(chen.page.getByText('Knocking. It tries again by itself.')).toBeVisible();
  await goTo(chen, 'chat');
  await expect(chen.page.getByText('You are at the door')).toBeVisible();
  anna = await street.move('Anna');
  await anna.page.goto(`${street.url()}/mesh/`);
  const seenByAnna = await letIn(anna);
  expect(seenByAnna).toHaveLength(6);
  // The room opens by itself, without a tap of his.
  await expect(chen.page.getByLabel('Message to everyone here')).toBeVisible({ timeout: 30_000 });
});

test('Dora waits at a door that does not open, cancels, and founds a neighbourhood of her own', async () => {
  const link = await showInvite(street, anna);
  await street.moveOut(anna);
  const dora = await street.move('Dora', { locale: 'de-DE' });
  await dora.page.goto(link);
  await giveName(dora, 'de');
  await dora.page.getByRole('button', { name: 'Beitreten', exact: true }).click();
  await expect(dora.page.getByTestId('welcome')).toHaveAttribute('data-step', 'waiting');
  await dora.page.getByRole('button', { name: 'Abbrechen' }).click();
  await dora.page.getByRole('button', { name: 'Gründen', exact: true }).click();
  await expect(dora.page.getByRole('heading', { name: 'Du bist drin' })).toBeVisible();
  const tab = await openTab(dora);
  await tab.page.goto(`${street.url()}/mesh/`);
  await expect(tab.page.getByTestId('person')).toHaveCount(1);
  expect(dora.complaints).toEqual([]);
});

test("nobody's console complained", () => {
  expect({ anna: anna.complaints, chen: chen.complaints }).toEqual({ anna: [], chen: [] });
});
