import { SEALED_LINK_MARK } from '../storage/ciphertext-store.ts';
import type { Cipher } from '../storage/key-ring.ts';

const SEALED = new RegExp(`${SEALED_LINK_MARK}([\\w=-]+)`, 'g');

/** Links that work once, in messages that wait: encrypted until they are sent. */
export interface LinkSeal {
  /** As it stands in a waiting message. */
  seal(link: string): string;
  /** The message as it is sent. A link that cannot be read any more leads to the devices page instead. */
  open(html: string): string;
}

export function createLinkSeal(cipher: Cipher, devicesPage: string): LinkSeal {
  return {
    seal: (link) => `${SEALED_LINK_MARK}${cipher.encrypt(link)}`,
    open: (html) =>
      html.replace(SEALED, (_, sealed: string) => {
        const opened = cipher.decrypt(sealed);
        return opened.kind === 'ok' ? opened.text : devicesPage;
      }),
  };
}
