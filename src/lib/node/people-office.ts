import type { CryptoPort } from '../kernel/ports/crypto.ts';
import type { Random } from '../kernel/ports/random.ts';
import { err, type Result } from '../kernel/result.ts';
import { createPeopleActs, type PeopleActs } from '../log/acts-people.ts';
import { createKeyActs } from '../log/acts-keys.ts';
import type { Neighbourhood } from '../log/neighbourhood.ts';
import type { PeopleOffice } from '../services/community-people.ts';
import type { Device } from './device.ts';
import type { NeighbourhoodHolder } from './neighbourhood-holder.ts';

/** What members decide about each other, on the neighbourhood that is open now. After a removal the key is changed at once. */
export const createPeopleOffice = (deps: {
  crypto: CryptoPort;
  random: Random;
  device: () => Device;
  holder: Pick<NeighbourhoodHolder, 'current'>;
}): PeopleOffice => {
  const { crypto, random, holder } = deps;
  const keys = createKeyActs({ crypto, random });
  const withActs = async <T, E extends string>(
    run: (acts: PeopleActs, here: Neighbourhood) => Promise<Result<T, E>>,
  ): Promise<Result<T, string>> => {
    const here = holder.current();
    return here ? run(createPeopleActs({ random, device: deps.device().keys }), here) : err('not-a-member');
  };
  /** Left undone it is done by the duty of whoever is trusted, this device among them. */
  const changeKey = async (here: Neighbourhood): Promise<void> => void (await keys.rotate(here));

  return {
    promote: (person, role) => withActs((acts, here) => acts.promote(here, person, role)),
    propose: ({ act, ...wish }) =>
      withActs(async (acts, here) => {
        const proposed = await acts.propose(here, { act, ...wish });
        if (proposed.ok && proposed.value.done && act === 'remove') await changeKey(here);
        return proposed;
      }),
    agree: (proposal) =>
      withActs(async (acts, here) => {
        const open = here.membership().proposals.find((each) => each.proposal === proposal);
        const agreed = await acts.agree(here, proposal);
        if (agreed.ok && agreed.value && open?.act === 'remove') await changeKey(here);
        return agreed;
      }),
    leave: () => withActs((acts, here) => acts.leave(here)),
    setServers: (urls) => withActs((acts, here) => acts.setServers(here, urls)),
    setPolicy: (admit) => withActs((acts, here) => acts.setPolicy(here, admit)),
  };
};
