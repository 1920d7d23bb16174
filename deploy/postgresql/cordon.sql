-- The records of a fleet in PostgreSQL 15 or later, for "cordon collect --database": see docs/fleet.md.
--
--   createdb cordon && psql --dbname=cordon --set=ON_ERROR_STOP=1 --file=cordon.sql      as the superuser
--   psql --dbname=cordon --command='\password cordon_collector'                          and of each that signs in with one
--
-- Run it again after an upgrade: it keeps what is there. Three roles may sign in, each for one thing:
--
--   cordon_collector   calls the functions that add, and nothing else: it neither reads, changes nor deletes a record
--   cordon_reader      reads everything, for "cordon fleet report --database" and for SQL
--   cordon_dashboards  reads counts and the state of chains, for Grafana: no client, no name that was asked for
--
-- The functions believe nothing. A block is added when its hash, computed here, follows from the last one; what is there
-- already is known and not added again; another one under its number is told and not taken. What a resolver signed is not
-- checked here: PostgreSQL knows no Ed25519. "cordon fleet report" checks it, with everything else, at each report.

\set ON_ERROR_STOP on

BEGIN;

SELECT format('CREATE ROLE %I NOLOGIN', name) FROM (VALUES ('cordon_owner')) AS wanted(name)
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec
SELECT format('CREATE ROLE %I LOGIN', name)
  FROM (VALUES ('cordon_collector'), ('cordon_reader'), ('cordon_dashboards')) AS wanted(name)
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) \gexec

-- Nobody else comes in, and nobody makes anything beside the schema: a temporary function could stand before one of these.
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO cordon_collector, cordon_reader, cordon_dashboards', current_database()) \gexec
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER ROLE cordon_reader SET default_transaction_read_only = on;
ALTER ROLE cordon_dashboards SET default_transaction_read_only = on;

CREATE SCHEMA IF NOT EXISTS cordon AUTHORIZATION cordon_owner;
SET LOCAL ROLE cordon_owner;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

-- `label` is the resolver's name; NAME.2 when it was taken in anew and began new chains.

CREATE TABLE IF NOT EXISTS cordon.partitions (
  label text NOT NULL, class text NOT NULL CHECK (class IN ('queries', 'changes')), ordinal bigint NOT NULL,
  day text NOT NULL, previous bytea NOT NULL, first bigint NOT NULL,
  resolver text NOT NULL, version text NOT NULL, created text NOT NULL,
  -- It does not follow: the resolver said that what was between is lost.
  is_behind_hole boolean NOT NULL,
  -- SHA-256 of what a partition says of itself: the first block follows it.
  hash bytea NOT NULL,
  PRIMARY KEY (label, class, ordinal));

CREATE TABLE IF NOT EXISTS cordon.blocks (
  label text NOT NULL, class text NOT NULL, ordinal bigint NOT NULL,
  first bigint NOT NULL, count integer NOT NULL CHECK (count > 0),
  from_ms bigint NOT NULL, until_ms bigint NOT NULL,
  -- A JSON array of records, as the resolver hashed it.
  body text NOT NULL,
  hash bytea NOT NULL,
  -- False for JSON that PostgreSQL does not take, such as one with NUL: kept and proven, and not in counts and records.
  is_readable boolean NOT NULL,
  PRIMARY KEY (label, class, first),
  FOREIGN KEY (label, class, ordinal) REFERENCES cordon.partitions);
CREATE INDEX IF NOT EXISTS blocks_time ON cordon.blocks (from_ms, until_ms);

-- Derived from blocks: queries by hour, as each resolver counts them.
CREATE TABLE IF NOT EXISTS cordon.counts (
  label text NOT NULL, hour timestamptz NOT NULL, kind text NOT NULL, grp text NOT NULL, list text NOT NULL,
  category text NOT NULL, trig text NOT NULL, signal text NOT NULL, exemption text NOT NULL, count bigint NOT NULL,
  PRIMARY KEY (label, hour, kind, grp, list, category, trig, signal, exemption));
CREATE INDEX IF NOT EXISTS counts_hour ON cordon.counts (hour);

CREATE TABLE IF NOT EXISTS cordon.keys (
  label text NOT NULL, id text NOT NULL, pem text NOT NULL,
  -- The message in which the resolver sent it, with its signature: the role of the collector alone makes nobody a signer.
  proof text NOT NULL, added bigint GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (label, id));

CREATE TABLE IF NOT EXISTS cordon.heads (
  label text NOT NULL, number bigint NOT NULL, hash bytea NOT NULL, head text NOT NULL, PRIMARY KEY (label, number));

-- When a resolver was last heard while all that it had recorded was here.
CREATE TABLE IF NOT EXISTS cordon.positions (label text PRIMARY KEY, alive_ms bigint NOT NULL);

CREATE TABLE IF NOT EXISTS cordon.holes (
  label text NOT NULL, note text NOT NULL, added bigint GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (label, note));
CREATE TABLE IF NOT EXISTS cordon.alarms (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, time timestamptz NOT NULL, alarm text NOT NULL,
  node text NOT NULL, note text NOT NULL);

-- Records under numbers that others have.
CREATE TABLE IF NOT EXISTS cordon.conflicts (
  label text NOT NULL, class text NOT NULL, id text NOT NULL, piece text NOT NULL, PRIMARY KEY (label, class, id));

-- The log of policy, for who was in the fleet when. It is signed, which the report checks.
CREATE TABLE IF NOT EXISTS cordon.entries (
  number bigint NOT NULL, hash bytea NOT NULL, entry text NOT NULL, PRIMARY KEY (number, hash));

-- Version of all this, which the program asks for.
CREATE OR REPLACE FUNCTION cordon.version() RETURNS integer LANGUAGE sql IMMUTABLE AS 'SELECT 1';

-- One chain grows in one transaction at a time, whatever collectors there are. Rows are locked, which only their owner can: an
-- advisory lock everybody may take who signs in, and keep.
CREATE TABLE IF NOT EXISTS cordon.chain_locks (label text, class text, PRIMARY KEY (label, class));
CREATE OR REPLACE FUNCTION cordon.lock_chain(of_label text, of_class text) RETURNS void LANGUAGE sql AS $$
  INSERT INTO cordon.chain_locks VALUES (of_label, of_class) ON CONFLICT DO NOTHING;
  SELECT FROM cordon.chain_locks WHERE label = of_label AND class = of_class FOR UPDATE;
$$;

-- Where a chain ends: ordinal of its last partition, number of its last record and the hash that covers it.
CREATE OR REPLACE FUNCTION cordon.chain_end(of_label text, of_class text)
RETURNS TABLE (ordinal bigint, sequence bigint, hash text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT p.ordinal, coalesce(b.first + b.count, p.first) - 1, encode(coalesce(b.hash, p.hash), 'hex')
  FROM cordon.partitions p
  LEFT JOIN LATERAL (
    SELECT * FROM cordon.blocks WHERE label = p.label AND class = p.class AND blocks.ordinal = p.ordinal
    ORDER BY first DESC LIMIT 1) b ON true
  WHERE p.label = of_label AND p.class = of_class
  ORDER BY p.ordinal DESC LIMIT 1;
$$;

-- A partition begins. 'taken', 'known', 'early' where what is before it is missing, or 'other'.
CREATE OR REPLACE FUNCTION cordon.add_partition(
  of_label text, of_class text, new_ordinal bigint, new_day text, new_previous text, new_first bigint,
  new_resolver text, new_version text, new_created text, behind_hole boolean)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  ending record;
  known record;
BEGIN
  PERFORM cordon.lock_chain(of_label, of_class);
  SELECT * INTO ending FROM cordon.chain_end(of_label, of_class);
  IF new_ordinal <= coalesce(ending.ordinal, 0) THEN
    SELECT * INTO known FROM cordon.partitions p
      WHERE p.label = of_label AND p.class = of_class AND p.ordinal = new_ordinal;
    RETURN CASE WHEN known.day = new_day AND encode(known.previous, 'hex') = new_previous AND known.first = new_first
      AND known.resolver = new_resolver AND known.version = new_version AND known.created = new_created
      THEN 'known' ELSE 'other' END;
  END IF;
  IF NOT behind_hole AND (new_first <> coalesce(ending.sequence, 0) + 1
    OR new_previous <> coalesce(ending.hash, repeat('0', 64))) THEN
    RETURN CASE WHEN new_first > coalesce(ending.sequence, 0) THEN 'early' ELSE 'other' END;
  END IF;
  -- A number stands once, also behind a hole.
  IF new_first <= coalesce(ending.sequence, 0) THEN RETURN 'other'; END IF;
  INSERT INTO cordon.partitions VALUES (
    of_label, of_class, new_ordinal, new_day, decode(new_previous, 'hex'), new_first,
    new_resolver, new_version, new_created, behind_hole,
    sha256(convert_to(concat_ws(chr(10), 'cordon records partition 1', 'class ' || of_class, 'ordinal ' || new_ordinal,
      'day ' || new_day, 'previous ' || new_previous, 'first ' || new_first, 'resolver ' || new_resolver,
      'version ' || new_version, 'created ' || new_created, ''), 'UTF8')));
  RETURN 'taken';
END $$;

-- Counts the queries of a block that are of some hours; false for JSON that PostgreSQL does not take.
DROP FUNCTION IF EXISTS cordon.count_block(text, text, text);
CREATE OR REPLACE FUNCTION cordon.count_block(
  of_label text, of_class text, body text, from_hour timestamptz DEFAULT '-infinity', until_hour timestamptz DEFAULT 'infinity')
RETURNS boolean LANGUAGE plpgsql SET timezone = 'UTC' AS $$
BEGIN
  IF of_class = 'changes' THEN
    PERFORM body::jsonb;
    RETURN true;
  END IF;
  INSERT INTO cordon.counts AS known
    SELECT of_label, date_trunc('hour', (r ->> 'time')::timestamptz), cordon.word(r, 'kind'), cordon.word(r, 'group'),
      cordon.word(r, 'list'), cordon.word(r, 'category'), cordon.word(r, 'trigger'), cordon.word(r, 'signal'),
      cordon.word(r, 'exemption'), sum(CASE jsonb_typeof(r -> 'count') WHEN 'number' THEN (r ->> 'count')::bigint ELSE 1 END)
    FROM jsonb_array_elements(body::jsonb) AS r
    WHERE cordon.word(r, 'kind') <> 'sketch'
      AND date_trunc('hour', (r ->> 'time')::timestamptz) BETWEEN from_hour AND until_hour
    GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
    ON CONFLICT ON CONSTRAINT counts_pkey DO UPDATE SET count = known.count + excluded.count;
  RETURN true;
EXCEPTION WHEN data_exception OR program_limit_exceeded OR not_null_violation THEN
  RETURN false;
END $$;

-- A member that is a text; '' for none.
CREATE OR REPLACE FUNCTION cordon.word(record jsonb, name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE jsonb_typeof(record -> name) WHEN 'string' THEN record ->> name ELSE '' END;
$$;

-- Blocks, each of which follows the one before: how many were added, what came of the first that was not ('known', 'early',
-- 'other', 'forged', or 'taken' when all were), and where the chain ends then.
CREATE OR REPLACE FUNCTION cordon.add_blocks(
  of_label text, of_class text, of_ordinal bigint, firsts bigint[], counts integer[], from_times bigint[],
  until_times bigint[], hashes text[], bodies text[])
RETURNS TABLE (taken integer, outcome text, ordinal bigint, sequence bigint, hash text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  ending record;
  computed bytea;
BEGIN
  PERFORM cordon.lock_chain(of_label, of_class);
  SELECT * INTO ending FROM cordon.chain_end(of_label, of_class);
  taken := 0;
  outcome := 'taken';
  ordinal := coalesce(ending.ordinal, 0);
  sequence := coalesce(ending.sequence, 0);
  hash := coalesce(ending.hash, repeat('0', 64));
  FOR i IN 1 .. cardinality(firsts) LOOP
    IF firsts[i] <= sequence THEN
      outcome := CASE WHEN EXISTS (
        SELECT FROM cordon.blocks b WHERE b.label = of_label AND b.class = of_class AND b.first = firsts[i]
          AND b.ordinal = of_ordinal AND encode(b.hash, 'hex') = hashes[i]) THEN 'known' ELSE 'other' END;
      EXIT;
    END IF;
    IF firsts[i] <> sequence + 1 OR of_ordinal <> ordinal THEN
      outcome := 'early';
      EXIT;
    END IF;
    computed := sha256(decode(hash, 'hex') || int8send(firsts[i]) || int4send(counts[i]) || convert_to(bodies[i], 'UTF8'));
    IF encode(computed, 'hex') <> hashes[i] OR counts[i] < 1 THEN
      outcome := 'forged';
      EXIT;
    END IF;
    INSERT INTO cordon.blocks VALUES (of_label, of_class, of_ordinal, firsts[i], counts[i], from_times[i], until_times[i],
      bodies[i], computed, cordon.count_block(of_label, of_class, bodies[i]));
    taken := taken + 1;
    sequence := firsts[i] + counts[i] - 1;
    hash := hashes[i];
  END LOOP;
  RETURN NEXT;
END $$;

-- The next partition of a chain, and the first records of it that are missing behind a record: somebody took them out. No row
-- behind the last partition. Days that were deleted from the beginning of a chain are not missing.
CREATE OR REPLACE FUNCTION cordon.next_hole(of_label text, of_class text, from_ordinal bigint, behind bigint)
RETURNS TABLE (ordinal bigint, sequence bigint, hash text, until bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  part record;
  after record;
  held bigint;
  ends bigint;
BEGIN
  SELECT * INTO part FROM cordon.partitions p
    WHERE p.label = of_label AND p.class = of_class AND p.ordinal >= from_ordinal ORDER BY p.ordinal LIMIT 1;
  IF NOT FOUND THEN RETURN; END IF;
  SELECT * INTO after FROM cordon.partitions p
    WHERE p.label = of_label AND p.class = of_class AND p.ordinal = part.ordinal + 1 AND NOT p.is_behind_hole;
  ordinal := part.ordinal;
  SELECT coalesce(sum(b.count), 0), greatest(coalesce(max(b.first + b.count), part.first), after.first) INTO held, ends
    FROM cordon.blocks b WHERE b.label = of_label AND b.class = of_class AND b.first >= part.first
      AND b.first < coalesce(after.first, 9223372036854775807) AND b.ordinal = part.ordinal;
  IF held < ends - part.first THEN
    SELECT g.last, encode(g.covered, 'hex'), g.missing INTO sequence, hash, until FROM (
      SELECT lag(e.first + e.count, 1, part.first) OVER w - 1 AS last, lag(e.hash, 1, part.hash) OVER w AS covered,
        e.first - 1 AS missing
      FROM (
        SELECT b.first, b.count, b.hash FROM cordon.blocks b
          WHERE b.label = of_label AND b.class = of_class AND b.ordinal = part.ordinal AND b.first >= part.first
        UNION ALL SELECT ends, 0, NULL) e
      WINDOW w AS (ORDER BY e.first, e.count)) g
    WHERE g.missing > g.last AND g.missing > behind ORDER BY g.missing LIMIT 1;
  END IF;
  RETURN NEXT;
END $$;

-- Puts blocks back that are missing amid a chain: all of them, where the first follows the block before and the block or the
-- partition behind follows the last; otherwise none. 'taken', 'known', 'early', 'other' or 'forged'.
CREATE OR REPLACE FUNCTION cordon.fill_hole(
  of_label text, of_class text, of_ordinal bigint, firsts bigint[], counts integer[], from_times bigint[],
  until_times bigint[], hashes text[], bodies text[])
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET timezone = 'UTC' AS $$
DECLARE
  part record;
  after record;
  sequence bigint;
  covered bytea;
  from_hour timestamptz;
  until_hour timestamptz;
BEGIN
  PERFORM cordon.lock_chain(of_label, of_class);
  SELECT * INTO part FROM cordon.partitions p
    WHERE p.label = of_label AND p.class = of_class AND p.ordinal = of_ordinal;
  IF NOT FOUND OR cardinality(firsts) < 1 THEN RETURN 'early'; END IF;
  SELECT b.first + b.count - 1, b.hash INTO sequence, covered FROM cordon.blocks b
    WHERE b.label = of_label AND b.class = of_class AND b.ordinal = of_ordinal AND b.first < firsts[1]
    ORDER BY b.first DESC LIMIT 1;
  sequence := coalesce(sequence, part.first - 1);
  covered := coalesce(covered, part.hash);
  FOR i IN 1 .. cardinality(firsts) LOOP
    IF firsts[i] <> sequence + 1 THEN RETURN 'other'; END IF;
    covered := sha256(covered || int8send(firsts[i]) || int4send(counts[i]) || convert_to(bodies[i], 'UTF8'));
    IF encode(covered, 'hex') <> hashes[i] OR counts[i] < 1 THEN RETURN 'other'; END IF;
    sequence := sequence + counts[i];
  END LOOP;
  SELECT * INTO after FROM cordon.blocks b
    WHERE b.label = of_label AND b.class = of_class AND b.ordinal = of_ordinal AND b.first >= firsts[1]
    ORDER BY b.first LIMIT 1;
  IF FOUND THEN
    IF after.first = firsts[1] AND encode(after.hash, 'hex') = hashes[1] THEN RETURN 'known'; END IF;
    IF after.first <> sequence + 1 OR after.hash <>
      sha256(covered || int8send(after.first) || int4send(after.count) || convert_to(after.body, 'UTF8')) THEN
      RETURN 'other';
    END IF;
  ELSE
    SELECT * INTO after FROM cordon.partitions p
      WHERE p.label = of_label AND p.class = of_class AND p.ordinal = of_ordinal + 1 AND NOT p.is_behind_hole;
    IF NOT FOUND THEN RETURN 'early'; END IF;
    IF after.first <> sequence + 1 OR after.previous <> covered THEN RETURN 'other'; END IF;
  END IF;
  FOR i IN 1 .. cardinality(firsts) LOOP
    INSERT INTO cordon.blocks VALUES (of_label, of_class, of_ordinal, firsts[i], counts[i], from_times[i], until_times[i],
      bodies[i], decode(hashes[i], 'hex'), cordon.count_block(of_label, of_class, bodies[i]));
  END LOOP;
  IF of_class = 'queries' THEN
    -- Whoever took out a block may have left its counts: those of its hours are made again from all blocks that reach into them.
    SELECT date_trunc('hour', to_timestamp(min(t) / 1000.0)), date_trunc('hour', to_timestamp(max(t) / 1000.0))
      INTO from_hour, until_hour FROM unnest(from_times || until_times) AS t;
    DELETE FROM cordon.counts c WHERE c.label = of_label AND c.hour BETWEEN from_hour AND until_hour;
    PERFORM cordon.count_block(of_label, of_class, b.body, from_hour, until_hour) FROM cordon.blocks b
      WHERE b.label = of_label AND b.class = of_class AND b.is_readable
        AND b.from_ms < extract(epoch FROM until_hour + interval '1 hour') * 1000
        AND b.until_ms >= extract(epoch FROM from_hour) * 1000;
  END IF;
  RETURN 'taken';
END $$;

-- Where the heads of a resolver end.
CREATE OR REPLACE FUNCTION cordon.heads_end(of_label text) RETURNS TABLE (sequence bigint, hash text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT number, encode(hash, 'hex') FROM cordon.heads WHERE label = of_label ORDER BY number DESC LIMIT 1;
$$;

-- A head that follows the one before.
CREATE OR REPLACE FUNCTION cordon.add_head(of_label text, new_number bigint, new_previous text, new_hash text, new_head text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  ending record;
BEGIN
  PERFORM cordon.lock_chain(of_label, 'heads');
  SELECT * INTO ending FROM cordon.heads_end(of_label);
  IF new_number <= coalesce(ending.sequence, 0) THEN
    RETURN CASE WHEN EXISTS (SELECT FROM cordon.heads h WHERE h.label = of_label AND h.number = new_number
      AND encode(h.hash, 'hex') = new_hash) THEN 'known' ELSE 'other' END;
  END IF;
  IF new_number <> coalesce(ending.sequence, 0) + 1 THEN RETURN 'early'; END IF;
  IF new_previous <> coalesce(ending.hash, repeat('0', 64)) THEN RETURN 'other'; END IF;
  INSERT INTO cordon.heads VALUES (of_label, new_number, decode(new_hash, 'hex'), new_head);
  RETURN 'taken';
END $$;

-- A public key of a resolver's heads; a resolver that was never heard has none. A resolver has 64 at most.
CREATE OR REPLACE FUNCTION cordon.add_key(of_label text, new_id text, new_pem text, new_proof text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  PERFORM cordon.lock_chain(of_label, 'keys');
  IF (SELECT count(*) FROM cordon.keys WHERE label = of_label) >= 64 THEN
    RETURN EXISTS (SELECT FROM cordon.keys WHERE label = of_label AND id = new_id);
  END IF;
  INSERT INTO cordon.keys (label, id, pem, proof) VALUES (of_label, new_id, new_pem, new_proof) ON CONFLICT DO NOTHING;
  RETURN true;
END $$;

-- The public keys of a resolver, in the order in which they came: they are no secret, and its heads are checked with them.
CREATE OR REPLACE FUNCTION cordon.keys_of(of_label text) RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT pem FROM cordon.keys WHERE label = of_label ORDER BY added;
$$;

-- When a resolver was last heard while everything of it was here; gives the latest.
CREATE OR REPLACE FUNCTION cordon.note_position(of_label text, new_ms bigint) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO cordon.positions AS known VALUES (of_label, new_ms)
  ON CONFLICT (label) DO UPDATE SET alive_ms = greatest(known.alive_ms, excluded.alive_ms) RETURNING alive_ms;
$$;

CREATE OR REPLACE FUNCTION cordon.add_hole(of_label text, new_note text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO cordon.holes (label, note) VALUES (of_label, new_note) ON CONFLICT DO NOTHING;
$$;

CREATE OR REPLACE FUNCTION cordon.add_alarm(new_time timestamptz, new_alarm text, new_node text, new_note text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO cordon.alarms (time, alarm, node, note) VALUES (new_time, new_alarm, new_node, new_note);
$$;

CREATE OR REPLACE FUNCTION cordon.add_conflict(of_label text, of_class text, new_id text, new_piece text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO cordon.conflicts VALUES (of_label, of_class, new_id, new_piece) ON CONFLICT DO NOTHING;
$$;

-- A text as a time; null for what is none: what a resolver signed must not end a view for all others.
CREATE OR REPLACE FUNCTION cordon.moment(value text) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN value::timestamptz;
EXCEPTION WHEN data_exception THEN
  RETURN NULL;
END $$;

-- When a head was signed; null for what is no head.
CREATE OR REPLACE FUNCTION cordon.signed_at(head text) RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$
BEGIN
  RETURN cordon.moment(head::jsonb ->> 'signedAt');
EXCEPTION WHEN data_exception THEN
  RETURN NULL;
END $$;

-- Where the log of policy ends.
CREATE OR REPLACE FUNCTION cordon.policy_end() RETURNS TABLE (sequence bigint, hash text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  SELECT number, encode(hash, 'hex') FROM cordon.entries ORDER BY number DESC LIMIT 1;
$$;

CREATE OR REPLACE FUNCTION cordon.add_entry(new_number bigint, new_hash text, new_entry text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  INSERT INTO cordon.entries VALUES (new_number, decode(new_hash, 'hex'), new_entry) ON CONFLICT DO NOTHING;
$$;

-- For SQL: every record with its number, as each resolver's own files show it.
CREATE OR REPLACE VIEW cordon.records AS
  SELECT b.label, b.class, b.first + r.at - 1 AS sequence, r.record ->> 'time' AS time, r.record ->> 'kind' AS kind,
    r.record ->> 'event' AS event, r.record ->> 'client' AS client, r.record ->> 'group' AS grp,
    r.record ->> 'qname' AS qname, r.record ->> 'qtype' AS qtype, r.record ->> 'list' AS list, r.record
  FROM cordon.blocks b,
    jsonb_array_elements(CASE WHEN b.is_readable THEN b.body::jsonb ELSE '[]' END) WITH ORDINALITY AS r(record, at);

-- For dashboards: how far each chain has come, up to when it is signed, and what is missing.
CREATE OR REPLACE VIEW cordon.chains AS
  SELECT chain.label, chain.class, e.sequence AS records,
    CASE WHEN b.until_ms BETWEEN 0 AND 32503679999999 THEN to_timestamp(b.until_ms / 1000.0) END AS last_record,
    (SELECT max(cordon.signed_at(h.head)) FROM (
      SELECT head FROM cordon.heads WHERE label = chain.label ORDER BY number DESC LIMIT 2) h) AS signed_at,
    (SELECT count(*) FROM cordon.holes WHERE holes.label = chain.label) AS holes
  FROM (SELECT DISTINCT label, class FROM cordon.partitions) AS chain
  CROSS JOIN LATERAL (
    SELECT p.ordinal, coalesce((SELECT max(first + count - 1) FROM cordon.blocks
      WHERE label = p.label AND class = p.class AND blocks.ordinal = p.ordinal), p.first - 1) AS sequence
    FROM cordon.partitions p WHERE p.label = chain.label AND p.class = chain.class ORDER BY p.ordinal DESC LIMIT 1) e
  LEFT JOIN LATERAL (
    SELECT until_ms FROM cordon.blocks WHERE label = chain.label AND class = chain.class ORDER BY first DESC LIMIT 1) b ON true;

GRANT USAGE ON SCHEMA cordon TO cordon_collector, cordon_reader, cordon_dashboards;
GRANT EXECUTE ON FUNCTION cordon.version() TO cordon_collector, cordon_reader;
GRANT EXECUTE ON FUNCTION
  cordon.chain_end(text, text),
  cordon.add_partition(text, text, bigint, text, text, bigint, text, text, text, boolean),
  cordon.add_blocks(text, text, bigint, bigint[], integer[], bigint[], bigint[], text[], text[]),
  cordon.next_hole(text, text, bigint, bigint),
  cordon.fill_hole(text, text, bigint, bigint[], integer[], bigint[], bigint[], text[], text[]),
  cordon.heads_end(text), cordon.add_head(text, bigint, text, text, text),
  cordon.add_key(text, text, text, text), cordon.keys_of(text), cordon.note_position(text, bigint),
  cordon.add_hole(text, text), cordon.add_alarm(timestamptz, text, text, text),
  cordon.add_conflict(text, text, text, text), cordon.policy_end(), cordon.add_entry(bigint, text, text)
  TO cordon_collector;
GRANT EXECUTE ON FUNCTION cordon.moment(text), cordon.signed_at(text) TO cordon_reader, cordon_dashboards;
GRANT SELECT ON ALL TABLES IN SCHEMA cordon TO cordon_reader;
GRANT SELECT ON cordon.counts, cordon.chains, cordon.holes, cordon.alarms TO cordon_dashboards;

COMMIT;
