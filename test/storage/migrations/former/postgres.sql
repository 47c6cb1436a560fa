-- A database as it was before the migrations were squashed (commit d495cac): every table with rows, most of them placeholders, by pg_dump --inserts.
CREATE FUNCTION public.audit_log_keep() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
   begin
     if old.id > (select pruned_seq from audit_head)
       or old.at > (extract(epoch from now()) - 157852800) * 1000 then
       raise exception 'The audit log is append-only: its rows cannot be deleted before they are five years old.' using errcode = 'integrity_constraint_violation';
     end if;
     return old;
   end $$;
CREATE FUNCTION public.audit_refuse() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
   begin raise exception '%', tg_argv[0] using errcode = 'integrity_constraint_violation'; end $$;
CREATE TABLE public.address_registrations (
    user_id text NOT NULL,
    addresses text NOT NULL,
    changed_at bigint
);
CREATE TABLE public.alarms (
    id bigint NOT NULL,
    cause text NOT NULL,
    raised_at bigint NOT NULL,
    seen_at bigint NOT NULL,
    ended_at bigint,
    figure double precision NOT NULL,
    worst double precision NOT NULL,
    normal double precision NOT NULL,
    node text NOT NULL,
    busiest text NOT NULL
);
CREATE SEQUENCE public.alarms_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.alarms_id_seq OWNED BY public.alarms.id;
CREATE TABLE public.api_keys (
    id text NOT NULL,
    user_id text NOT NULL,
    name text NOT NULL,
    secret_hash text,
    scopes text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint,
    revoked_at bigint,
    address_primary text,
    address_secondary text,
    addresses_changed_at bigint,
    last_used_at bigint,
    last_used_address text
);
CREATE TABLE public.audit_checks (
    id integer NOT NULL,
    seq bigint NOT NULL,
    hash text NOT NULL,
    checked_at bigint NOT NULL,
    problem text,
    CONSTRAINT audit_checks_id_check CHECK ((id = 1))
);
CREATE TABLE public.audit_head (
    id integer NOT NULL,
    seq bigint NOT NULL,
    hash text NOT NULL,
    pruned_seq bigint NOT NULL,
    pruned_hash text NOT NULL,
    CONSTRAINT audit_head_id_check CHECK ((id = 1))
);
CREATE TABLE public.audit_hours (
    hour bigint NOT NULL,
    kind text NOT NULL,
    events integer NOT NULL
);
CREATE TABLE public.audit_log (
    id bigint NOT NULL,
    at bigint NOT NULL,
    type text NOT NULL,
    user_id text,
    actor text NOT NULL,
    address text,
    request_id text,
    detail text NOT NULL,
    hash text NOT NULL
);
CREATE TABLE public.ban_hits (
    id bigint NOT NULL,
    subject text NOT NULL,
    cause text NOT NULL,
    at bigint NOT NULL
);
CREATE SEQUENCE public.ban_hits_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.ban_hits_id_seq OWNED BY public.ban_hits.id;
CREATE TABLE public.ban_offences (
    subject text NOT NULL,
    offences integer NOT NULL,
    last_at bigint NOT NULL
);
CREATE TABLE public.ban_state (
    id integer NOT NULL,
    version bigint NOT NULL,
    rules text
);
CREATE TABLE public.bans (
    id bigint NOT NULL,
    subject text NOT NULL,
    reason text NOT NULL,
    note text NOT NULL,
    offence integer NOT NULL,
    banned_by text NOT NULL,
    banned_at bigint NOT NULL,
    expires_at bigint
);
CREATE SEQUENCE public.bans_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.bans_id_seq OWNED BY public.bans.id;
CREATE TABLE public.broker_authorizations (
    state_digest text NOT NULL,
    session_digest text NOT NULL,
    user_id text NOT NULL,
    broker text NOT NULL,
    code_verifier text NOT NULL,
    return_to text NOT NULL,
    expires_at bigint NOT NULL
);
CREATE TABLE public.broker_credentials (
    id text NOT NULL,
    user_id text NOT NULL,
    broker text NOT NULL,
    field text NOT NULL,
    value text NOT NULL,
    set_at bigint NOT NULL
);
CREATE TABLE public.broker_logouts (
    id text NOT NULL,
    user_id text NOT NULL,
    broker text NOT NULL,
    access_token text,
    requested_at bigint NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    next_attempt_at bigint NOT NULL,
    status text NOT NULL,
    last_error text,
    token_digest text,
    expires_at bigint,
    order_id text
);
CREATE TABLE public.broker_tokens (
    id text NOT NULL,
    user_id text NOT NULL,
    broker text NOT NULL,
    access_token text,
    feed_token text,
    epoch integer NOT NULL,
    issued_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    is_revoked integer DEFAULT 0 NOT NULL,
    revoked_at bigint,
    revoke_reason text,
    token_digest text,
    refresh_token text,
    refresh_at bigint,
    refresh_failures integer DEFAULT 0 NOT NULL
);
CREATE TABLE public.bus_messages (
    id bigint NOT NULL,
    sent_at bigint NOT NULL,
    sender text NOT NULL,
    body text NOT NULL
);
CREATE SEQUENCE public.bus_messages_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.bus_messages_id_seq OWNED BY public.bus_messages.id;
CREATE TABLE public.csp_reports (
    id bigint NOT NULL,
    directive text NOT NULL,
    blocked text NOT NULL,
    document text NOT NULL,
    reports bigint NOT NULL,
    first_at bigint NOT NULL,
    last_at bigint NOT NULL
);
CREATE SEQUENCE public.csp_reports_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.csp_reports_id_seq OWNED BY public.csp_reports.id;
CREATE TABLE public.installation (
    id integer NOT NULL,
    created_at bigint NOT NULL
);
CREATE TABLE public.known_addresses (
    subject text NOT NULL,
    user_id text NOT NULL,
    last_at bigint NOT NULL
);
CREATE TABLE public.kysely_migration (
    name character varying(255) NOT NULL,
    "timestamp" character varying(255) NOT NULL
);
CREATE TABLE public.kysely_migration_lock (
    id character varying(255) NOT NULL,
    is_locked integer DEFAULT 0 NOT NULL
);
CREATE TABLE public.revocations (
    id text NOT NULL,
    dedupe_key text,
    user_id text,
    reason text NOT NULL,
    scope text NOT NULL,
    ordered_at bigint NOT NULL,
    receipt text NOT NULL,
    status text NOT NULL,
    attempts integer NOT NULL,
    next_attempt_at bigint NOT NULL,
    holder text
);
CREATE TABLE public.sandbox_codes (
    code_digest text NOT NULL,
    client_id text NOT NULL,
    redirect_uri text NOT NULL,
    code_challenge text NOT NULL,
    subject text NOT NULL,
    expires_at bigint NOT NULL,
    used_at bigint
);
CREATE TABLE public.sandbox_refresh_tokens (
    token_digest text NOT NULL,
    code_digest text NOT NULL,
    client_id text NOT NULL,
    subject text NOT NULL,
    expires_at bigint NOT NULL,
    ended_at bigint
);
CREATE TABLE public.sandbox_tokens (
    token_digest text NOT NULL,
    kind text NOT NULL,
    code_digest text NOT NULL,
    client_id text NOT NULL,
    subject text NOT NULL,
    issued_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    revoked_at bigint,
    CONSTRAINT sandbox_tokens_kind_check CHECK ((kind = ANY (ARRAY['access'::text, 'feed'::text])))
);
CREATE TABLE public.session_endings (
    sid text NOT NULL,
    reason text NOT NULL,
    forget_at bigint NOT NULL
);
CREATE TABLE public.sessions (
    sid text NOT NULL,
    user_id text,
    epoch integer,
    login_time bigint,
    last_seen bigint NOT NULL,
    body text NOT NULL,
    own_idle_ms bigint
);
CREATE TABLE public.signal_cursors (
    user_id text NOT NULL,
    last bigint NOT NULL
);
CREATE TABLE public.signals (
    id text NOT NULL,
    user_id text NOT NULL,
    strategy_id text NOT NULL,
    cursor bigint,
    received_at bigint NOT NULL,
    refusal text,
    action text,
    exchange text,
    trading_symbol text,
    quantity integer,
    product text,
    broker text NOT NULL,
    price double precision,
    client_id text,
    dedupe_key text,
    repeats integer DEFAULT 0 NOT NULL,
    problem text
);
CREATE TABLE public.strategies (
    id text NOT NULL,
    user_id text NOT NULL,
    name text NOT NULL,
    platform text NOT NULL,
    broker text NOT NULL,
    symbols text NOT NULL,
    trading_days text NOT NULL,
    opens_at integer NOT NULL,
    closes_at integer NOT NULL,
    active integer NOT NULL,
    version integer NOT NULL,
    webhook_digest text NOT NULL,
    webhook_id text,
    signing_secret text,
    allowed_addresses text NOT NULL,
    created_at bigint NOT NULL,
    changed_at bigint NOT NULL,
    deleted_at bigint
);
CREATE TABLE public.symbol_imports (
    id text NOT NULL,
    broker text,
    file_name text NOT NULL,
    requested_by text NOT NULL,
    status text NOT NULL,
    stage text NOT NULL,
    stage_done bigint NOT NULL,
    stage_total bigint NOT NULL,
    started_at bigint NOT NULL,
    heard_at bigint NOT NULL,
    finished_at bigint,
    instruments integer NOT NULL,
    instruments_before integer NOT NULL,
    bad_lines integer NOT NULL,
    bad_line_samples text NOT NULL,
    problem text,
    first_id bigint,
    last_id bigint,
    retired_at bigint
);
CREATE TABLE public.symbol_masters (
    broker text NOT NULL,
    import_id text NOT NULL,
    first_id bigint NOT NULL,
    first_option_id bigint NOT NULL,
    last_id bigint NOT NULL,
    exchanges text NOT NULL,
    types text NOT NULL,
    imported_at bigint NOT NULL
);
CREATE TABLE public.symbols (
    id bigint NOT NULL,
    exchange text NOT NULL,
    symbol_key text NOT NULL,
    trading_symbol text NOT NULL,
    name text NOT NULL,
    instrument_token text NOT NULL,
    exchange_token text NOT NULL,
    expiry text,
    strike double precision,
    tick_size double precision NOT NULL,
    lot_size double precision NOT NULL,
    instrument_type text NOT NULL,
    segment text NOT NULL,
    words tsvector NOT NULL
);
CREATE TABLE public.telegram_bots (
    user_id text NOT NULL,
    bot_token text NOT NULL,
    bot_name text,
    chat_id text,
    link_code text NOT NULL,
    events text NOT NULL,
    version bigint NOT NULL,
    set_at bigint NOT NULL,
    problem text,
    next_send_at bigint NOT NULL,
    claims integer NOT NULL,
    answered_at bigint NOT NULL,
    pace_ms bigint NOT NULL,
    failures integer NOT NULL
);
CREATE TABLE public.telegram_messages (
    id bigint NOT NULL,
    user_id text NOT NULL,
    kind text NOT NULL,
    body text NOT NULL,
    created_at bigint NOT NULL,
    send_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    status text NOT NULL,
    ended_at bigint,
    why text,
    dedupe_key text,
    awaits text
);
CREATE SEQUENCE public.telegram_messages_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.telegram_messages_id_seq OWNED BY public.telegram_messages.id;
CREATE TABLE public.traffic_hours (
    hour bigint NOT NULL,
    route_class text NOT NULL,
    requests integer NOT NULL,
    not_found integer NOT NULL,
    client_errors integer NOT NULL,
    server_errors integer NOT NULL,
    b0 integer NOT NULL,
    b1 integer NOT NULL,
    b2 integer NOT NULL,
    b3 integer NOT NULL,
    b4 integer NOT NULL,
    b5 integer NOT NULL,
    b6 integer NOT NULL,
    b7 integer NOT NULL,
    b8 integer NOT NULL,
    b9 integer NOT NULL
);
CREATE TABLE public.traffic_log (
    id bigint NOT NULL,
    at bigint NOT NULL,
    request_id text NOT NULL,
    method text NOT NULL,
    pattern text,
    path text NOT NULL,
    route_class text NOT NULL,
    status integer NOT NULL,
    aborted integer NOT NULL,
    duration_ms integer NOT NULL,
    bytes bigint NOT NULL,
    user_id text,
    address text,
    requests integer DEFAULT 1 NOT NULL
);
CREATE SEQUENCE public.traffic_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.traffic_log_id_seq OWNED BY public.traffic_log.id;
CREATE TABLE public.trusted_addresses (
    block text NOT NULL,
    note text NOT NULL,
    added_by text NOT NULL,
    added_at bigint NOT NULL
);
CREATE TABLE public.user_epochs (
    user_id text NOT NULL,
    epoch integer NOT NULL
);
CREATE TABLE public.user_settings (
    user_id text NOT NULL,
    theme text NOT NULL,
    date_format text NOT NULL,
    alert_minutes integer NOT NULL,
    idle_timeout_ms bigint,
    default_broker text,
    version integer NOT NULL,
    idle_applied integer NOT NULL
);
CREATE TABLE public.users (
    id text NOT NULL,
    username text NOT NULL,
    username_key text NOT NULL,
    email text NOT NULL,
    password_hash text NOT NULL,
    role text NOT NULL,
    disabled integer DEFAULT 0 NOT NULL,
    created_at bigint NOT NULL,
    last_sign_in_at bigint,
    CONSTRAINT users_role_check CHECK ((role = ANY (ARRAY['admin'::text, 'user'::text])))
);
ALTER TABLE ONLY public.alarms ALTER COLUMN id SET DEFAULT nextval('public.alarms_id_seq'::regclass);
ALTER TABLE ONLY public.ban_hits ALTER COLUMN id SET DEFAULT nextval('public.ban_hits_id_seq'::regclass);
ALTER TABLE ONLY public.bans ALTER COLUMN id SET DEFAULT nextval('public.bans_id_seq'::regclass);
ALTER TABLE ONLY public.bus_messages ALTER COLUMN id SET DEFAULT nextval('public.bus_messages_id_seq'::regclass);
ALTER TABLE ONLY public.csp_reports ALTER COLUMN id SET DEFAULT nextval('public.csp_reports_id_seq'::regclass);
ALTER TABLE ONLY public.telegram_messages ALTER COLUMN id SET DEFAULT nextval('public.telegram_messages_id_seq'::regclass);
ALTER TABLE ONLY public.traffic_log ALTER COLUMN id SET DEFAULT nextval('public.traffic_log_id_seq'::regclass);
INSERT INTO public.address_registrations VALUES ('user-1', '{}', 1795926600001);
INSERT INTO public.address_registrations VALUES ('user-2', '{}', 1795926600002);
INSERT INTO public.alarms VALUES (1, 'cause 1', 1795926600001, 1795926600001, 1795926600001, 1.5, 1.5, 1.5, 'node 1', 'busiest 1');
INSERT INTO public.alarms VALUES (2, 'cause 2', 1795926600002, 1795926600002, 1795926600002, 2.5, 2.5, 2.5, 'node 2', 'busiest 2');
INSERT INTO public.api_keys VALUES ('api_keys-1', 'user-1', 'name 1', 'secret_hash 1', 'scopes 1', 1795926600001, 1795926600001, 1795926600001, 'address_primary 1', 'address_secondary 1', 1795926600001, 1795926600001, 'last_used_address 1');
INSERT INTO public.api_keys VALUES ('api_keys-2', 'user-2', 'name 2', 'secret_hash 2', 'scopes 2', 1795926600002, 1795926600002, 1795926600002, 'address_primary 2', 'address_secondary 2', 1795926600002, 1795926600002, 'last_used_address 2');
INSERT INTO public.audit_checks VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000', 0, NULL);
INSERT INTO public.audit_head VALUES (1, 2, '24b6d90ba8f6ec76a997b02ad502cbb89c3bec2dfb2e41e621ab1c43cbb809d3', 0, '0000000000000000000000000000000000000000000000000000000000000000');
INSERT INTO public.audit_hours VALUES (1795926600000, 'session.ended:cutoff', 1);
INSERT INTO public.audit_hours VALUES (1795926600000, 'login.failed:disabled', 1);
INSERT INTO public.audit_log VALUES (1, 1795926600000, 'session.ended', 'user-1', 'system', NULL, NULL, '{"type":"session.ended","userId":"user-1","reason":"cutoff","sessions":1}', '41ab99362a7e07fdd87ed8771cfd26fdf030f2c4cb60466c7b78264e19d7728f');
INSERT INTO public.audit_log VALUES (2, 1795926600000, 'login.failed', NULL, 'anonymous', '10.0.0.1', 'r1', '{"type":"login.failed","username":"x","why":"disabled"}', '24b6d90ba8f6ec76a997b02ad502cbb89c3bec2dfb2e41e621ab1c43cbb809d3');
INSERT INTO public.ban_hits VALUES (1, 'subject 1', 'cause 1', 1795926600001);
INSERT INTO public.ban_hits VALUES (2, 'subject 2', 'cause 2', 1795926600002);
INSERT INTO public.ban_offences VALUES ('subject 1', 1, 1795926600001);
INSERT INTO public.ban_offences VALUES ('subject 2', 2, 1795926600002);
INSERT INTO public.ban_state VALUES (1, 1, NULL);
INSERT INTO public.bans VALUES (1, 'subject 1', 'reason 1', 'note 1', 1, 'banned_by 1', 1795926600001, 1795926600001);
INSERT INTO public.bans VALUES (2, 'subject 2', 'reason 2', 'note 2', 2, 'banned_by 2', 1795926600002, 1795926600002);
INSERT INTO public.broker_authorizations VALUES ('state_digest 1', 'session_digest 1', 'user-1', 'broker 1', 'code_verifier 1', 'return_to 1', 1795926600001);
INSERT INTO public.broker_authorizations VALUES ('state_digest 2', 'session_digest 2', 'user-2', 'broker 2', 'code_verifier 2', 'return_to 2', 1795926600002);
INSERT INTO public.broker_credentials VALUES ('broker_credentials-1', 'user-1', 'broker 1', 'field 1', 'value 1', 1795926600001);
INSERT INTO public.broker_credentials VALUES ('broker_credentials-2', 'user-2', 'broker 2', 'field 2', 'value 2', 1795926600002);
INSERT INTO public.broker_logouts VALUES ('broker_logouts-1', 'user-1', 'broker 1', 'access_token 1', 1795926600001, 1, 1795926600001, 'status 1', 'last_error 1', 'token_digest 1', 1795926600001, 'order_id 1');
INSERT INTO public.broker_logouts VALUES ('broker_logouts-2', 'user-2', 'broker 2', 'access_token 2', 1795926600002, 2, 1795926600002, 'status 2', 'last_error 2', 'token_digest 2', 1795926600002, 'order_id 2');
INSERT INTO public.broker_tokens VALUES ('broker_tokens-1', 'user-1', 'broker 1', 'access_token 1', 'feed_token 1', 1, 1795926600001, 1795926600001, 0, 1795926600001, 'revoke_reason 1', 'token_digest 1', 'refresh_token 1', 1795926600001, 1);
INSERT INTO public.broker_tokens VALUES ('broker_tokens-2', 'user-2', 'broker 2', 'access_token 2', 'feed_token 2', 2, 1795926600002, 1795926600002, 1, 1795926600002, 'revoke_reason 2', 'token_digest 2', 'refresh_token 2', 1795926600002, 2);
INSERT INTO public.bus_messages VALUES (1, 1795926600001, 'sender 1', '{}');
INSERT INTO public.bus_messages VALUES (2, 1795926600002, 'sender 2', '{}');
INSERT INTO public.csp_reports VALUES (1, 'directive 1', 'blocked 1', 'document 1', 1795926600001, 1795926600001, 1795926600001);
INSERT INTO public.csp_reports VALUES (2, 'directive 2', 'blocked 2', 'document 2', 1795926600002, 1795926600002, 1795926600002);
INSERT INTO public.installation VALUES (1, 1795926600001);
INSERT INTO public.installation VALUES (2, 1795926600002);
INSERT INTO public.known_addresses VALUES ('subject 1', 'user-1', 1795926600001);
INSERT INTO public.known_addresses VALUES ('subject 2', 'user-2', 1795926600002);
INSERT INTO public.kysely_migration VALUES ('0009-no-visitors', '2026-11-29T04:30:00.000Z');
INSERT INTO public.kysely_migration VALUES ('0010-bans', '2026-11-29T04:30:00.000Z');
INSERT INTO public.kysely_migration VALUES ('0011-traffic', '2026-11-29T04:30:00.000Z');
INSERT INTO public.kysely_migration VALUES ('0012-audit-chain', '2026-11-29T04:30:00.000Z');
INSERT INTO public.kysely_migration VALUES ('0013-csp-reports', '2026-11-29T04:30:00.000Z');
INSERT INTO public.kysely_migration VALUES ('0014-alarms', '2026-11-29T04:30:00.000Z');
INSERT INTO public.kysely_migration VALUES ('0015-last-sign-in', '2026-11-29T04:30:00.000Z');
INSERT INTO public.kysely_migration VALUES ('0016-signal-problems', '2026-11-29T04:30:00.000Z');
INSERT INTO public.kysely_migration VALUES ('0018-known-addresses', '2026-11-29T04:30:00.000Z');
INSERT INTO public.kysely_migration VALUES ('0020-counted-refusals', '2026-11-29T04:30:00.000Z');
INSERT INTO public.kysely_migration VALUES ('0021-address-registrations', '2026-11-29T04:30:00.000Z');
INSERT INTO public.kysely_migration VALUES ('0001-initial', '2026-11-20T04:30:00.000Z');
INSERT INTO public.kysely_migration VALUES ('0002-brokers', '2026-11-20T04:30:00.000Z');
INSERT INTO public.kysely_migration VALUES ('0003-sandbox-refresh-tokens', '2026-11-20T04:30:00.000Z');
INSERT INTO public.kysely_migration VALUES ('0003-symbols', '2026-11-20T04:30:00.000Z');
INSERT INTO public.kysely_migration VALUES ('0004-api-keys', '2026-11-20T04:30:00.000Z');
INSERT INTO public.kysely_migration VALUES ('0005-strategies', '2026-11-20T04:30:00.000Z');
INSERT INTO public.kysely_migration VALUES ('0006-settings', '2026-11-20T04:30:00.000Z');
INSERT INTO public.kysely_migration VALUES ('0007-telegram', '2026-11-20T04:30:00.000Z');
INSERT INTO public.kysely_migration VALUES ('0008-order-holders', '2026-11-20T04:30:00.000Z');
INSERT INTO public.kysely_migration_lock VALUES ('migration_lock', 0);
INSERT INTO public.revocations VALUES ('revocations-1', 'dedupe_key 1', 'user-1', 'reason 1', 'scope 1', 1795926600001, '{}', 'status 1', 1, 1795926600001, 'holder 1');
INSERT INTO public.revocations VALUES ('revocations-2', 'dedupe_key 2', 'user-2', 'reason 2', 'scope 2', 1795926600002, '{}', 'status 2', 2, 1795926600002, 'holder 2');
INSERT INTO public.sandbox_codes VALUES ('code_digest 1', 'client_id 1', 'redirect_uri 1', 'code_challenge 1', 'subject 1', 1795926600001, 1795926600001);
INSERT INTO public.sandbox_codes VALUES ('code_digest 2', 'client_id 2', 'redirect_uri 2', 'code_challenge 2', 'subject 2', 1795926600002, 1795926600002);
INSERT INTO public.sandbox_refresh_tokens VALUES ('token_digest 1', 'code_digest 1', 'client_id 1', 'subject 1', 1795926600001, 1795926600001);
INSERT INTO public.sandbox_refresh_tokens VALUES ('token_digest 2', 'code_digest 2', 'client_id 2', 'subject 2', 1795926600002, 1795926600002);
INSERT INTO public.sandbox_tokens VALUES ('token_digest 1', 'access', 'code_digest 1', 'client_id 1', 'subject 1', 1795926600001, 1795926600001, 1795926600001);
INSERT INTO public.sandbox_tokens VALUES ('token_digest 2', 'feed', 'code_digest 2', 'client_id 2', 'subject 2', 1795926600002, 1795926600002, 1795926600002);
INSERT INTO public.session_endings VALUES ('sid 1', 'reason 1', 1795926600001);
INSERT INTO public.session_endings VALUES ('sid 2', 'reason 2', 1795926600002);
INSERT INTO public.sessions VALUES ('sid 1', 'user-1', 1, 1795926600001, 1795926600001, '{}', 1795926600001);
INSERT INTO public.sessions VALUES ('sid 2', 'user-2', 2, 1795926600002, 1795926600002, '{}', 1795926600002);
INSERT INTO public.signal_cursors VALUES ('user-1', 1795926600001);
INSERT INTO public.signal_cursors VALUES ('user-2', 1795926600002);
INSERT INTO public.signals VALUES ('signals-1', 'user-1', 'strategies-1', 1, 1795926600001, 'refusal 1', 'action 1', 'exchange 1', 'trading_symbol 1', 1, 'product 1', 'broker 1', 1.5, 'client_id 1', 'dedupe_key 1', 1, 'problem 1');
INSERT INTO public.signals VALUES ('signals-2', 'user-2', 'strategies-2', 2, 1795926600002, 'refusal 2', 'action 2', 'exchange 2', 'trading_symbol 2', 2, 'product 2', 'broker 2', 2.5, 'client_id 2', 'dedupe_key 2', 2, 'problem 2');
INSERT INTO public.strategies VALUES ('strategies-1', 'user-1', 'name 1', 'platform 1', 'broker 1', '{}', 'trading_days 1', 1, 1, 0, 1, 'webhook_digest 1', 'webhook_id 1', 'signing_secret 1', '{}', 1795926600001, 1795926600001, 1795926600001);
INSERT INTO public.strategies VALUES ('strategies-2', 'user-2', 'name 2', 'platform 2', 'broker 2', '{}', 'trading_days 2', 2, 2, 1, 2, 'webhook_digest 2', 'webhook_id 2', 'signing_secret 2', '{}', 1795926600002, 1795926600002, 1795926600002);
INSERT INTO public.symbol_imports VALUES ('symbol_imports-1', 'broker 1', 'file_name 1', 'requested_by 1', 'running', 'stage 1', 1795926600001, 1795926600001, 1795926600001, 1795926600001, 1795926600001, 1, 1, 1, 'bad_line_samples 1', 'problem 1', 1, 1, 1795926600001);
INSERT INTO public.symbol_imports VALUES ('symbol_imports-2', 'broker 2', 'file_name 2', 'requested_by 2', 'done', 'stage 2', 1795926600002, 1795926600002, 1795926600002, 1795926600002, 1795926600002, 2, 2, 2, 'bad_line_samples 2', 'problem 2', 2, 2, 1795926600002);
INSERT INTO public.symbol_masters VALUES ('broker 1', 'import_id 1', 1, 1, 1, 'exchanges 1', 'types 1', 1795926600001);
INSERT INTO public.symbol_masters VALUES ('broker 2', 'import_id 2', 2, 2, 2, 'exchanges 2', 'types 2', 1795926600002);
INSERT INTO public.symbols VALUES (1, 'exchange 1', 'symbol_key 1', 'trading_symbol 1', 'name 1', 'instrument_token 1', 'exchange_token 1', 'expiry 1', 1.5, 1.5, 1.5, 'instrument_type 1', 'segment 1', '''1'':2 ''symbol'':1');
INSERT INTO public.symbols VALUES (2, 'exchange 2', 'symbol_key 2', 'trading_symbol 2', 'name 2', 'instrument_token 2', 'exchange_token 2', 'expiry 2', 2.5, 2.5, 2.5, 'instrument_type 2', 'segment 2', '''2'':2 ''symbol'':1');
INSERT INTO public.telegram_bots VALUES ('user-1', 'bot_token 1', 'bot_name 1', 'chat_id 1', 'link_code 1', 'events 1', 1, 1795926600001, 'problem 1', 1795926600001, 1, 1795926600001, 1795926600001, 1);
INSERT INTO public.telegram_bots VALUES ('user-2', 'bot_token 2', 'bot_name 2', 'chat_id 2', 'link_code 2', 'events 2', 2, 1795926600002, 'problem 2', 1795926600002, 2, 1795926600002, 1795926600002, 2);
INSERT INTO public.telegram_messages VALUES (1, 'user-1', 'kind 1', '{}', 1795926600001, 1795926600001, 1795926600001, 'status 1', 1795926600001, 'why 1', 'dedupe_key 1', 'awaits 1');
INSERT INTO public.telegram_messages VALUES (2, 'user-2', 'kind 2', '{}', 1795926600002, 1795926600002, 1795926600002, 'status 2', 1795926600002, 'why 2', 'dedupe_key 2', 'awaits 2');
INSERT INTO public.traffic_hours VALUES (1795926600001, 'route_class 1', 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1);
INSERT INTO public.traffic_hours VALUES (1795926600002, 'route_class 2', 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2);
INSERT INTO public.traffic_log VALUES (1, 1795926600001, 'request_id 1', 'method 1', 'pattern 1', 'path 1', 'route_class 1', 1, 0, 1, 1795926600001, 'user-1', 'address 1', 1);
INSERT INTO public.traffic_log VALUES (2, 1795926600002, 'request_id 2', 'method 2', 'pattern 2', 'path 2', 'route_class 2', 2, 1, 2, 1795926600002, 'user-2', 'address 2', 2);
INSERT INTO public.trusted_addresses VALUES ('block 1', 'note 1', 'added_by 1', 1795926600001);
INSERT INTO public.trusted_addresses VALUES ('block 2', 'note 2', 'added_by 2', 1795926600002);
INSERT INTO public.user_epochs VALUES ('user-1', 1);
INSERT INTO public.user_epochs VALUES ('user-2', 2);
INSERT INTO public.user_settings VALUES ('user-1', 'theme 1', 'date_format 1', 1, 1795926600001, 'default_broker 1', 1, 1);
INSERT INTO public.user_settings VALUES ('user-2', 'theme 2', 'date_format 2', 2, 1795926600002, 'default_broker 2', 2, 2);
INSERT INTO public.users VALUES ('user-1', 'username 1', 'username_key 1', 'email 1', 'password_hash 1', 'admin', 0, 1795926600001, 1795926600001);
INSERT INTO public.users VALUES ('user-2', 'username 2', 'username_key 2', 'email 2', 'password_hash 2', 'user', 1, 1795926600002, 1795926600002);
SELECT pg_catalog.setval('public.alarms_id_seq', 2, true);
SELECT pg_catalog.setval('public.ban_hits_id_seq', 2, true);
SELECT pg_catalog.setval('public.bans_id_seq', 2, true);
SELECT pg_catalog.setval('public.bus_messages_id_seq', 2, true);
SELECT pg_catalog.setval('public.csp_reports_id_seq', 2, true);
SELECT pg_catalog.setval('public.telegram_messages_id_seq', 2, true);
SELECT pg_catalog.setval('public.traffic_log_id_seq', 2, true);
ALTER TABLE ONLY public.address_registrations
    ADD CONSTRAINT address_registrations_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY public.alarms
    ADD CONSTRAINT alarms_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.audit_checks
    ADD CONSTRAINT audit_checks_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.audit_head
    ADD CONSTRAINT audit_head_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.audit_hours
    ADD CONSTRAINT audit_hours_key PRIMARY KEY (hour, kind);
ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey1 PRIMARY KEY (id);
ALTER TABLE ONLY public.ban_hits
    ADD CONSTRAINT ban_hits_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.ban_offences
    ADD CONSTRAINT ban_offences_pkey PRIMARY KEY (subject);
ALTER TABLE ONLY public.ban_state
    ADD CONSTRAINT ban_state_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.bans
    ADD CONSTRAINT bans_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.bans
    ADD CONSTRAINT bans_subject_key UNIQUE (subject);
ALTER TABLE ONLY public.broker_authorizations
    ADD CONSTRAINT broker_authorizations_pkey PRIMARY KEY (state_digest);
ALTER TABLE ONLY public.broker_credentials
    ADD CONSTRAINT broker_credentials_by_user UNIQUE (user_id, broker, field);
ALTER TABLE ONLY public.broker_credentials
    ADD CONSTRAINT broker_credentials_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.broker_logouts
    ADD CONSTRAINT broker_logouts_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.broker_tokens
    ADD CONSTRAINT broker_tokens_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.bus_messages
    ADD CONSTRAINT bus_messages_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.csp_reports
    ADD CONSTRAINT csp_reports_once UNIQUE (directive, blocked, document);
ALTER TABLE ONLY public.csp_reports
    ADD CONSTRAINT csp_reports_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.installation
    ADD CONSTRAINT installation_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.known_addresses
    ADD CONSTRAINT known_addresses_key PRIMARY KEY (subject, user_id);
ALTER TABLE ONLY public.kysely_migration_lock
    ADD CONSTRAINT kysely_migration_lock_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.kysely_migration
    ADD CONSTRAINT kysely_migration_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.revocations
    ADD CONSTRAINT revocations_dedupe_key_key UNIQUE (dedupe_key);
ALTER TABLE ONLY public.revocations
    ADD CONSTRAINT revocations_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.sandbox_codes
    ADD CONSTRAINT sandbox_codes_pkey PRIMARY KEY (code_digest);
ALTER TABLE ONLY public.sandbox_refresh_tokens
    ADD CONSTRAINT sandbox_refresh_tokens_pkey PRIMARY KEY (token_digest);
ALTER TABLE ONLY public.sandbox_tokens
    ADD CONSTRAINT sandbox_tokens_pkey PRIMARY KEY (token_digest);
ALTER TABLE ONLY public.session_endings
    ADD CONSTRAINT session_endings_pkey PRIMARY KEY (sid);
ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (sid);
ALTER TABLE ONLY public.signal_cursors
    ADD CONSTRAINT signal_cursors_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY public.signals
    ADD CONSTRAINT signals_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.strategies
    ADD CONSTRAINT strategies_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.strategies
    ADD CONSTRAINT strategies_webhook_digest_key UNIQUE (webhook_digest);
ALTER TABLE ONLY public.symbol_imports
    ADD CONSTRAINT symbol_imports_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.symbol_masters
    ADD CONSTRAINT symbol_masters_pkey PRIMARY KEY (broker);
ALTER TABLE ONLY public.symbols
    ADD CONSTRAINT symbols_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.telegram_bots
    ADD CONSTRAINT telegram_bots_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY public.telegram_messages
    ADD CONSTRAINT telegram_messages_dedupe_key_key UNIQUE (dedupe_key);
ALTER TABLE ONLY public.telegram_messages
    ADD CONSTRAINT telegram_messages_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.traffic_hours
    ADD CONSTRAINT traffic_hours_key PRIMARY KEY (hour, route_class);
ALTER TABLE ONLY public.traffic_log
    ADD CONSTRAINT traffic_log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.traffic_log
    ADD CONSTRAINT traffic_log_request_id_key UNIQUE (request_id);
ALTER TABLE ONLY public.trusted_addresses
    ADD CONSTRAINT trusted_addresses_pkey PRIMARY KEY (block);
ALTER TABLE ONLY public.user_epochs
    ADD CONSTRAINT user_epochs_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY public.user_settings
    ADD CONSTRAINT user_settings_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_username_key_key UNIQUE (username_key);
CREATE INDEX alarms_by_time ON public.alarms USING btree (raised_at);
CREATE UNIQUE INDEX alarms_open ON public.alarms USING btree (cause) WHERE (ended_at IS NULL);
CREATE UNIQUE INDEX api_keys_live_by_name ON public.api_keys USING btree (user_id, name) WHERE (revoked_at IS NULL);
CREATE INDEX audit_log_by_actor ON public.audit_log USING btree (actor, id);
CREATE INDEX audit_log_by_address ON public.audit_log USING btree (address, id) WHERE (address IS NOT NULL);
CREATE INDEX audit_log_by_at ON public.audit_log USING btree (at);
CREATE INDEX audit_log_by_request ON public.audit_log USING btree (request_id) WHERE (request_id IS NOT NULL);
CREATE INDEX audit_log_by_type ON public.audit_log USING btree (type, id);
CREATE INDEX audit_log_by_user ON public.audit_log USING btree (user_id, id) WHERE (user_id IS NOT NULL);
CREATE INDEX ban_hits_by_subject ON public.ban_hits USING btree (subject, cause, at);
CREATE INDEX ban_hits_by_time ON public.ban_hits USING btree (at);
CREATE INDEX bans_by_expiry ON public.bans USING btree (expires_at);
CREATE INDEX broker_logouts_by_order ON public.broker_logouts USING btree (order_id) WHERE (order_id IS NOT NULL);
CREATE INDEX broker_logouts_open ON public.broker_logouts USING btree (status, next_attempt_at);
CREATE INDEX broker_tokens_by_digest ON public.broker_tokens USING btree (broker, token_digest);
CREATE INDEX broker_tokens_by_issued_at ON public.broker_tokens USING btree (is_revoked, issued_at);
CREATE INDEX broker_tokens_by_refresh_at ON public.broker_tokens USING btree (is_revoked, refresh_at);
CREATE INDEX broker_tokens_by_user ON public.broker_tokens USING btree (user_id, broker, is_revoked, issued_at);
CREATE INDEX broker_tokens_by_user_and_time ON public.broker_tokens USING btree (user_id, is_revoked, issued_at);
CREATE UNIQUE INDEX broker_tokens_live ON public.broker_tokens USING btree (user_id, broker) WHERE (is_revoked = 0);
CREATE INDEX csp_reports_by_time ON public.csp_reports USING btree (last_at, id);
CREATE INDEX known_addresses_by_time ON public.known_addresses USING btree (last_at);
CREATE INDEX known_addresses_by_user ON public.known_addresses USING btree (user_id, last_at);
CREATE INDEX revocations_by_time ON public.revocations USING btree (ordered_at, id);
CREATE INDEX revocations_by_user ON public.revocations USING btree (user_id, ordered_at);
CREATE INDEX revocations_open ON public.revocations USING btree (status, next_attempt_at);
CREATE INDEX sandbox_refresh_tokens_by_code ON public.sandbox_refresh_tokens USING btree (code_digest);
CREATE INDEX sandbox_tokens_by_code ON public.sandbox_tokens USING btree (code_digest);
CREATE INDEX session_endings_by_forget_at ON public.session_endings USING btree (forget_at);
CREATE INDEX sessions_by_last_seen ON public.sessions USING btree (last_seen);
CREATE INDEX sessions_by_login_time ON public.sessions USING btree (login_time);
CREATE INDEX sessions_by_own_deadline ON public.sessions USING btree (((last_seen + own_idle_ms))) WHERE (own_idle_ms IS NOT NULL);
CREATE INDEX sessions_by_user ON public.sessions USING btree (user_id, epoch);
CREATE INDEX signals_by_age ON public.signals USING btree (received_at);
CREATE UNIQUE INDEX signals_by_cursor ON public.signals USING btree (user_id, cursor);
CREATE INDEX signals_by_dedupe_key ON public.signals USING btree (strategy_id, dedupe_key);
CREATE INDEX signals_by_strategy ON public.signals USING btree (strategy_id, received_at);
CREATE INDEX signals_by_time ON public.signals USING btree (user_id, received_at, cursor);
CREATE INDEX strategies_by_deletion ON public.strategies USING btree (deleted_at);
CREATE INDEX strategies_by_user ON public.strategies USING btree (user_id, deleted_at);
CREATE INDEX symbol_imports_by_time ON public.symbol_imports USING btree (started_at, id);
CREATE UNIQUE INDEX symbol_imports_running ON public.symbol_imports USING btree (status) WHERE (status = 'running'::text);
CREATE INDEX symbols_by_key ON public.symbols USING btree (symbol_key, exchange);
CREATE INDEX symbols_by_words ON public.symbols USING gin (words) WITH (gin_pending_list_limit='512');
CREATE INDEX telegram_messages_by_end ON public.telegram_messages USING btree (ended_at);
CREATE INDEX telegram_messages_by_user ON public.telegram_messages USING btree (user_id, id);
CREATE INDEX telegram_messages_failed ON public.telegram_messages USING btree (ended_at) WHERE (status = 'failed'::text);
CREATE INDEX telegram_messages_open ON public.telegram_messages USING btree (send_at) WHERE (status = 'open'::text);
CREATE INDEX traffic_log_by_address ON public.traffic_log USING btree (address, at, id);
CREATE INDEX traffic_log_by_time ON public.traffic_log USING btree (at, id);
CREATE INDEX traffic_log_by_user ON public.traffic_log USING btree (user_id, at, id);
CREATE INDEX user_settings_to_apply ON public.user_settings USING btree (user_id) WHERE (idle_applied <> version);
CREATE TRIGGER audit_head_forward BEFORE UPDATE ON public.audit_head FOR EACH ROW WHEN (((new.id <> old.id) OR (new.seq < old.seq) OR ((new.seq = old.seq) AND (new.hash <> old.hash)) OR (new.pruned_seq < old.pruned_seq) OR ((new.pruned_seq = old.pruned_seq) AND (new.pruned_hash <> old.pruned_hash)) OR (new.pruned_seq > new.seq))) EXECUTE FUNCTION public.audit_refuse('The head of the audit log moves forward only.');
CREATE TRIGGER audit_head_is_not_emptied BEFORE TRUNCATE ON public.audit_head FOR EACH STATEMENT EXECUTE FUNCTION public.audit_refuse('The head of the audit log cannot be removed.');
CREATE TRIGGER audit_head_stays BEFORE DELETE ON public.audit_head FOR EACH ROW EXECUTE FUNCTION public.audit_refuse('The head of the audit log cannot be removed.');
CREATE TRIGGER audit_log_is_fixed BEFORE UPDATE ON public.audit_log FOR EACH ROW EXECUTE FUNCTION public.audit_refuse('The audit log is append-only: its rows cannot be changed.');
CREATE TRIGGER audit_log_is_not_emptied BEFORE TRUNCATE ON public.audit_log FOR EACH STATEMENT EXECUTE FUNCTION public.audit_refuse('The audit log is append-only: its rows cannot be deleted before they are five years old.');
CREATE TRIGGER audit_log_stays BEFORE DELETE ON public.audit_log FOR EACH ROW EXECUTE FUNCTION public.audit_log_keep();
ALTER TABLE ONLY public.address_registrations
    ADD CONSTRAINT address_registrations_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.broker_authorizations
    ADD CONSTRAINT broker_authorizations_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.broker_credentials
    ADD CONSTRAINT broker_credentials_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.broker_logouts
    ADD CONSTRAINT broker_logouts_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.broker_tokens
    ADD CONSTRAINT broker_tokens_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.signal_cursors
    ADD CONSTRAINT signal_cursors_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.signals
    ADD CONSTRAINT signals_strategy_id_fkey FOREIGN KEY (strategy_id) REFERENCES public.strategies(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.signals
    ADD CONSTRAINT signals_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.strategies
    ADD CONSTRAINT strategies_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.telegram_bots
    ADD CONSTRAINT telegram_bots_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.telegram_messages
    ADD CONSTRAINT telegram_messages_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY public.user_settings
    ADD CONSTRAINT user_settings_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;
