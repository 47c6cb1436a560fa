import { createRoutePolicies, createRoutePolicyReader } from '../../src/http/route-policy.ts';
import { ROUTE_POLICIES } from '../../src/route-policies.ts';

/** The server's own rows, for apps that tests put together from some of its middleware. */
export const readRoutePolicy = createRoutePolicyReader(createRoutePolicies(ROUTE_POLICIES));
