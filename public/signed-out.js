import { openTabChannel } from './tab-channel.js';

// Whoever sees the sign-in page has often just signed out: the other tabs should notice now, and not in half a minute.
openTabChannel().tellOthers();
