import type { BrokerAdapter } from '../../src/broker/broker-adapter.ts';

const notAsked = () => Promise.reject(new Error('not asked'));

/** A broker that answers what a test wants it to, and rejects what it did not expect. */
export function createFakeAdapter(changes: Partial<BrokerAdapter> = {}): BrokerAdapter {
  return {
    id: 'sandbox',
    name: 'Practice broker',
    description: '',
    authorizationOrigins: ['https://broker.example'],
    credentialFields: [],
    needsStaticAddress: false,
    mayOmitState: false,
    startAuthorization: notAsked,
    exchange: notAsked,
    revoke: notAsked,
    ...changes,
  };
}
