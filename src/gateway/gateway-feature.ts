import { type RequestHandler, Router } from 'express';
import type { AuditLog } from '../core/audit-event.ts';
import type { Log } from '../core/log.ts';
import type { AnswerElsewhere } from '../http/error-handler.ts';
import type { Feature } from '../http/feature.ts';
import type { TakesHandshake } from '../http/upgrade.ts';
import type { Database } from '../storage/database.ts';
import { type AdmissionDeps, createAdmission } from './admission.ts';
import { createGatewayPage, type FindExplainedUser } from './gateway-page.ts';
import { normaliseHost } from './host.ts';
import { createIdentityIssuer, type IdentityIssuerDeps } from './identity.ts';
import { createLiveRules, type LiveRules } from './live-rules.ts';
import { answerRefusal } from './refusal.ts';
import { createRelay, type RelayDeps } from './relay/relay.ts';
import { createRelayedRequests } from './relay/relayed-requests.ts';
import { createAuthorisation, createGatewayRouter, createPolicyChooser } from './routes.ts';
import { createRuleUseStore } from './rule-use-store.ts';
import { createRuleUses, type RuleUses } from './rule-uses.ts';
import type { Target } from './rules.ts';
import type { RulesContext } from './rules-file.ts';

export interface GatewayFeatureDeps
  extends Omit<AdmissionDeps, 'uses'>,
    IdentityIssuerDeps,
    Pick<RulesContext, 'ownPaths'>,
    Omit<RelayDeps, 'rules' | 'admit' | 'identities' | 'ownHost'> {
  /** GATEWAY_RULES; undefined where the gateway is off. */
  readonly rulesFile: string | undefined;
  /** By TRUST_PROXY. */
  readonly isTrustedProxy: (address: string) => boolean;
  readonly https: boolean;
  readonly findUser: FindExplainedUser;
  readonly database: Database;
  readonly audit: AuditLog;
  readonly log: Log;
}

export interface GatewayFeature extends Feature {
  /** Empty until they are loaded. */
  readonly rules: LiveRules;
  readonly uses: RuleUses;
  /** Behind the reader of route policies. */
  readonly choosePolicy: RequestHandler;
  /** Proxies' questions: in front of the routes for browsers. */
  readonly authorisation: Router;
  /** Requests to pass on to a tool: in front of everything that this server answers itself. */
  readonly relay: RequestHandler;
  /** Whether this server passes a request on by itself, or else refuses it. */
  readonly isRelayed: (target: Target) => boolean;
  readonly takesHandshake: TakesHandshake;
  /** How a request of the gateway is refused. */
  readonly answerRefusal: AnswerElsewhere;
}

/** The whole feature, wired. Opens nothing and starts nothing. */
export function createGatewayFeature(deps: GatewayFeatureDeps): GatewayFeature {
  const scheme = deps.https ? 'https' : 'http';
  const ownHost = normaliseHost(new URL(deps.publicOrigin).host, scheme) ?? '';
  const rules = createLiveRules({ ...deps, file: deps.rulesFile, scheme, ownHost });
  const identities = createIdentityIssuer(deps);
  const { database } = deps;
  const uses = createRuleUses({ ...deps, store: createRuleUseStore(database), acting: database.acting });
  const admit = createAdmission({ ...deps, uses });
  const relayed = createRelayedRequests({ ...deps, rules, scheme, ownHost });
  const relay = createRelay({ ...deps, rules, admit, identities, ownHost });
  return {
    rules,
    uses,
    choosePolicy: createPolicyChooser(rules, relayed),
    authorisation: createAuthorisation({ ...deps, rules, identities, admit }),
    relay: relay.handler,
    isRelayed: relayed.isFor,
    takesHandshake: relayed.takes,
    metrics: relay.metrics,
    answerRefusal,
    router: Router().use(
      createGatewayRouter({ rules, scheme }),
      createGatewayPage({ ...deps, rules, uses, isRelayed: relayed.isFor }),
    ),
    jobs: [uses.job],
  };
}
