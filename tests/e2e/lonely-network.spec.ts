import { expect, test } from '@playwright/test';
import { namespaceObstacle } from '../support/street-network.ts';
import { openStreet } from '../support/street.ts';
import { ask, foundNeighbourhood, giveName, goTo, say, showInvite } from '../support/walks.ts';

test('on a machine without a route no address is gathered: the mesh says so in words and names the remedy', async () => {
  const obstacle = namespaceObstacle();
  test.skip(obstacle !== null, `${obstacle}: a browser without any address is NOT tested here`);
  const street = await openStreet({ network: 'no-route' });
  try {
    await street.startServer();
    const anna = await street.move('Anna');
    const bora = await street.move('Bora', { locale: 'de-DE' });
    await foundNeighbourhood(street, anna);
    await bora.page.goto(await showInvite(street, anna));
    await giveName(bora, 'de');
    await bora.page.getByRole('button', { name: 'Beitreten', exact: true }).click();
    await expect(anna.page.getByText(/This device found no address at which neighbours could reach it/)).toBeVisible({
      timeout: 30_000,
    });
    await expect(anna.page.getByText(/Is Wi-Fi or mobile data on\?/)).toBeVisible();
    await anna.page.getByTestId('status-pill').click();
    await expect(anna.page.getByRole('dialog').getByText(/tells no address to be reached at/)).toBeVisible();
    await anna.page.keyboard.press('Escape');
    await expect(anna.page.getByRole('dialog')).toBeHidden();
    // What needs nobody else goes on.
    await say(anna, 'Alone, but here');
    await expect(anna.page.getByText('Saved here, will send')).toBeVisible();
    await ask(anna, 'How do I stop heavy bleeding?');
    await expect(anna.page.getByText(/Answered by this device/)).toBeVisible();
    await goTo(bora, 'library');
    await expect(bora.page.getByTestId('document').first()).toBeVisible();
    expect({ anna: anna.complaints, bora: bora.complaints }).toEqual({ anna: [], bora: [] });
  } finally {
    await street.close();
  }
});
