BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'netwatch','m001_first','2026-11-30 13:42:27.519492+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'netwatch','m002_gentle','2026-11-30 13:42:27.521829+00:00');
INSERT INTO "_sqlite_migrations" VALUES(3,'netwatch','m003_audit','2026-11-30 13:42:27.523129+00:00');
INSERT INTO "_sqlite_migrations" VALUES(4,'netwatch','m004_outside','2026-11-30 13:42:27.525450+00:00');
INSERT INTO "_sqlite_migrations" VALUES(5,'netwatch','m005_products','2026-11-30 13:42:27.527408+00:00');
INSERT INTO "_sqlite_migrations" VALUES(6,'netwatch','m006_sayings','2026-11-30 13:42:27.528639+00:00');
INSERT INTO "_sqlite_migrations" VALUES(7,'netwatch','m006_comings','2026-11-30 13:42:27.530120+00:00');
INSERT INTO "_sqlite_migrations" VALUES(8,'netwatch','m009_news','2026-11-30 13:42:27.531779+00:00');
INSERT INTO "_sqlite_migrations" VALUES(9,'netwatch','m012_arrival','2026-11-30 13:42:27.534988+00:00');
CREATE TABLE addresses (
    id integer primary key, site integer not null references sites(id), address text not null,
    source text not null, first_seen text not null, last_seen text not null, ended text
) strict;
INSERT INTO "addresses" VALUES(1,1,'203.0.113.7','config','2026-11-01T22:00:00Z','2026-11-03T22:00:00Z',NULL);
CREATE TABLE asked (
    site integer not null references sites(id), device text not null, probe text not null,
    ports text not null, primary key (site, device, probe)
) strict;
INSERT INTO "asked" VALUES(1,'d','dicom','104');
INSERT INTO "asked" VALUES(1,'d','sweep','22,80,445');
CREATE TABLE asked_outside (
    site integer not null references sites(id), device text not null, port_states text not null,
    asked text not null, primary key (site, device)
) strict;
CREATE TABLE changes (
    run integer not null references runs(id), kind text not null, rule text not null,
    device text not null, address text not null, port integer not null, previous text
) strict;
INSERT INTO "changes" VALUES(1,'newly-checked','dicom-query-answered','d','192.168.1.20',104,NULL);
INSERT INTO "changes" VALUES(1,'newly-checked','smb-guest-share','d','192.168.1.20',445,NULL);
INSERT INTO "changes" VALUES(2,'unverified','smb-guest-share','d','192.168.1.20',445,NULL);
INSERT INTO "changes" VALUES(3,'resolved','smb-guest-share','d','192.168.1.20',445,NULL);
CREATE TABLE comings (
    run integer not null references runs(id), kind text not null, device text not null,
    address text not null, quiet integer not null, nights integer not null, since text
) strict;
INSERT INTO "comings" VALUES(1,'new','d','192.168.1.20',0,3,'2026-10-29T22:00:00Z');
CREATE TABLE declarations (
    id integer primary key, site integer not null references sites(id), made text not null, body text not null
) strict;
CREATE TABLE devices (
    site integer not null references sites(id), id text not null, address text not null, mac text,
    vendor text, names text not null, kind text not null, maker text, model text, version text,
    first_seen text not null, last_seen text not null, left_alone text, profile text not null default '{}', primary key (site, id)
) strict;
INSERT INTO "devices" VALUES(1,'d','192.168.1.20','00:11:32:aa:bb:cc',NULL,'[]','unknown',NULL,NULL,NULL,'2026-11-01T22:00:00Z','2026-11-03T22:00:00Z',NULL,'{}');
CREATE TABLE exposure_steps (
    id integer primary key, exposure integer not null references exposures(id), at text not null,
    row text not null, vantage text not null, by text not null, seen_at text not null,
    protocol text not null, facts text not null, evidence text not null, digest text not null,
    link_device text, link_address text, link_port integer, link_by text
) strict;
INSERT INTO "exposure_steps" VALUES(1,1,'2026-11-01T22:00:00Z','answered','outside','dicom','2026-11-01T22:03:00Z','dicom','{"query": "answered"}','[{}]','0000000000000000000000000000000000000000000000000000000000000000','d','192.168.1.20',104,'mapping');
CREATE TABLE exposures (
    id integer primary key, site integer not null references sites(id), device text not null,
    port integer not null, transport text not null, patients integer, studies integer,
    first_seen text not null, last_seen text not null, ended text, ended_by text
) strict;
INSERT INTO "exposures" VALUES(1,1,'p-203.0.113.7',8104,'tcp',5300,NULL,'2026-11-01T22:00:00Z','2026-11-01T22:00:00Z',NULL,NULL);
CREATE TABLE failures (
    run integer not null references runs(id), probe text not null, vantage text not null, device text,
    address text not null, port integer, reason text not null, detail text not null
) strict;
INSERT INTO "failures" VALUES(2,'dicom','lan','d','192.168.1.20',4242,'timeout','no answer in time');
CREATE TABLE findings (
    id integer primary key, site integer not null, rule text not null, device text not null,
    address text not null, port integer not null, transport text not null, probe text not null,
    vantage text not null, exposure text not null, status text not null, first_seen text not null,
    last_seen text not null, ended text, link_device text, link_address text, link_port integer, link_by text, about text not null default '{}', foreign key (site, device) references devices(site, id)
) strict;
INSERT INTO "findings" VALUES(1,1,'dicom-query-answered','d','192.168.1.20',104,'tcp','dicom','lan','not-checked','open','2026-11-01T22:00:00Z','2026-11-03T22:00:00Z',NULL,NULL,NULL,NULL,NULL,'{}');
INSERT INTO "findings" VALUES(2,1,'smb-guest-share','d','192.168.1.20',445,'tcp','dicom','lan','not-checked','resolved','2026-11-01T22:00:00Z','2026-11-01T22:00:00Z','2026-11-03T22:00:00Z',NULL,NULL,NULL,NULL,'{}');
CREATE TABLE news (
    id integer primary key, site integer not null references sites(id), device text not null,
    port integer not null, kind text not null, fate text not null, at text not null, settled text,
    finding text not null, previous text, more text
) strict;
INSERT INTO "news" VALUES(1,1,'d',104,'worsened','alert','2026-11-01T22:00:00Z','2026-11-01T22:00:00Z','{"rule": "dicom-query-answered", "device": "d", "port": 104, "transport": "tcp", "probe": "dicom", "address": "192.168.1.20", "vantage": "lan", "exposure": "exposed", "link": {"device": "d", "address": "192.168.1.20", "port": 104, "by": "mapping"}, "about": {}}','{"rule": "dicom-query-answered", "device": "d", "port": 104, "transport": "tcp", "probe": "dicom", "address": "192.168.1.20", "vantage": "lan", "exposure": "not-checked", "link": null, "about": {}}',NULL);
INSERT INTO "news" VALUES(2,1,'d',445,'appeared','waiting','2026-11-01T22:00:00Z',NULL,'{"rule": "smb-guest-share", "device": "d", "port": 445, "transport": "tcp", "probe": "dicom", "address": "192.168.1.20", "vantage": "lan", "exposure": "not-checked", "link": null, "about": {}}',NULL,NULL);
INSERT INTO "news" VALUES(3,1,'d',445,'resolved','dropped','2026-11-01T22:00:00Z','2026-11-01T22:00:00Z','{"rule": "smb-guest-share", "device": "d", "port": 445, "transport": "tcp", "probe": "dicom", "address": "192.168.1.20", "vantage": "lan", "exposure": "not-checked", "link": null, "about": {}}',NULL,NULL);
CREATE TABLE "outbox" (
    id integer primary key, site integer not null references sites(id),
    run integer references runs(id), message_id text not null unique, recipient text not null,
    subject text not null, text text not null, html text not null, created text not null,
    state text not null check (state in ('waiting', 'sending', 'refused', 'given-up', 'sent', 'dropped')),
    tries integer not null default 0, first_try text, last_try text, next_try text, sent text,
    why text not null default '{}', note text
) strict;
INSERT INTO "outbox" VALUES(1,1,1,'<1@test>','dr@example.fr','Alerte','texte','<p>page</p>','2026-11-30T13:42:27Z','sent',0,NULL,NULL,NULL,'2026-11-04T22:00:00Z','{}',NULL);
INSERT INTO "outbox" VALUES(2,1,1,'<2@test>','it@example.fr','Alerte','texte','<p>page</p>','2026-11-30T13:42:27Z','waiting',0,NULL,NULL,NULL,NULL,'{}',NULL);
CREATE TABLE rounds (
    site integer not null references sites(id), device text not null, began text not null,
    done text not null, usual text, primary key (site, device)
) strict;
CREATE TABLE runs (
    id integer primary key, uid text not null unique, site integer not null references sites(id),
    started text not null, finished text not null, complete integer not null, vantages text not null,
    coverage integer not null references texts(id)
, stopped text, pace text not null default '{}', audit integer not null default 0) strict;
INSERT INTO "runs" VALUES(1,'run-0',1,'2026-11-01T22:00:00Z','2026-11-01T22:02:00Z',1,'["lan"]',1,NULL,'{}',0);
INSERT INTO "runs" VALUES(2,'run-1',1,'2026-11-02T22:00:00Z','2026-11-02T22:02:00Z',0,'["lan"]',1,NULL,'{}',0);
INSERT INTO "runs" VALUES(3,'run-2',1,'2026-11-03T22:00:00Z','2026-11-03T22:02:00Z',1,'["lan"]',2,NULL,'{}',0);
CREATE TABLE sayings (
    id integer primary key, site integer not null references sites(id), device text not null,
    what text not null, value text not null, said_by text not null, at text not null, ended text,
    ended_by text not null default '', card text, address text
) strict
;
INSERT INTO "sayings" VALUES(1,1,'d','name','PACS','user','2026-11-01T22:00:00Z',NULL,'',NULL,NULL);
CREATE TABLE searched (
    site integer not null references sites(id), network text not null, means text not null,
    nights integer not null, first_night text not null, last_night text not null,
    primary key (site, network, means)
) strict;
INSERT INTO "searched" VALUES(1,'192.168.1.0/24','whole',1,'2026-11-01T22:00:00Z','2026-11-01T22:00:00Z');
CREATE TABLE services (
    id integer primary key, site integer not null, device text not null, address text not null,
    port integer not null, transport text not null, vantage text not null, probe text not null,
    protocol text not null, proved integer not null, facts text not null, first_seen text not null,
    last_seen text not null, ended text, foreign key (site, device) references devices(site, id)
) strict;
INSERT INTO "services" VALUES(1,1,'d','192.168.1.20',104,'tcp','lan','sweep','dicom',0,'{"state": "open"}','2026-11-01T22:00:00Z','2026-11-03T22:00:00Z',NULL);
INSERT INTO "services" VALUES(2,1,'d','192.168.1.20',104,'tcp','lan','dicom','dicom',1,'{"association": "accepted", "query": "answered", "store": "not-offered", "tls": false}','2026-11-01T22:00:00Z','2026-11-03T22:00:00Z',NULL);
CREATE TABLE sites (
    id integer primary key, slug text not null unique, name text not null, language text not null,
    networks text not null default '[]', file text
, digested text) strict;
INSERT INTO "sites" VALUES(1,'cabinet','Cabinet','fr','["192.168.1.0/24"]',NULL,'2026-11-01T22:00:00Z');
CREATE TABLE standings (
    site integer not null references sites(id), device text not null, missed integer not null, counted text,
    gone text, quiet integer not null, primary key (site, device)
) strict;
INSERT INTO "standings" VALUES(1,'e',1,'2026-11-01',NULL,0);
INSERT INTO "standings" VALUES(1,'f',0,NULL,'2026-11-01T22:00:00Z',0);
CREATE TABLE texts (id integer primary key, digest text not null unique, body text not null) strict;
INSERT INTO "texts" VALUES(1,'b54dac8e5b46c12a3a11fb4f29c7b2cca927b09bbe0faf1a4ab50b638abe9f32','[["discovery","lan",null,"192.168.1.0/24","","answered","nmap"],["sweep","lan","d","192.168.1.20","22,80","closed",""],["sweep","lan","d","192.168.1.20","104","open",""],["dicom","lan","d","192.168.1.20","104","answered",""]]');
INSERT INTO "texts" VALUES(2,'089c73e536f236b9e0d6dd13b21a98351a8a7c9d592ccd54cf4a76dfc4ffabbc','[["discovery","lan",null,"192.168.1.0/24","","answered","nmap"],["sweep","lan","d","192.168.1.20","22,80","closed",""],["sweep","lan","d","192.168.1.20","104","open",""],["dicom","lan","d","192.168.1.20","104","answered",""],["sweep","lan","d","192.168.1.20","445","closed",""]]');
CREATE UNIQUE INDEX "idx__sqlite_migrations_migration_set_name"
    ON "_sqlite_migrations" ("migration_set", "name");
CREATE INDEX runs_by_site on runs(site, id);
CREATE UNIQUE INDEX services_now on services(site, device, port, transport, vantage, probe)
    where ended is null;
CREATE UNIQUE INDEX findings_now on findings(site, rule, device, port, transport) where ended is null;
CREATE INDEX findings_ended on findings(site, ended);
CREATE INDEX failures_by_run on failures(run);
CREATE INDEX changes_by_run on changes(run);
CREATE UNIQUE INDEX addresses_now on addresses(site, address) where ended is null;
CREATE UNIQUE INDEX exposures_now on exposures(site, device, port, transport) where ended is null;
CREATE INDEX exposure_steps_by_exposure on exposure_steps(exposure, id);
CREATE TRIGGER exposures_kept before delete on exposures begin select raise(abort, 'the log of exposures only grows'); end;
CREATE TRIGGER exposures_settled before update on exposures when old.ended is not null or new.site <> old.site or new.device <> old.device or new.port <> old.port
or new.transport <> old.transport or new.first_seen <> old.first_seen or new.last_seen < old.last_seen begin select raise(abort, 'the log of exposures only grows'); end;
CREATE TRIGGER exposure_steps_kept before delete on exposure_steps begin select raise(abort, 'the log of exposures only grows'); end;
CREATE TRIGGER exposure_steps_settled before update on exposure_steps begin select raise(abort, 'the log of exposures only grows'); end;
CREATE UNIQUE INDEX sayings_now on sayings(site, device, what, value) where ended is null;
CREATE INDEX comings_by_run on comings(run);
CREATE INDEX news_by_place on news(site, device, port);
CREATE INDEX news_waiting on news(site) where fate = 'waiting';
CREATE INDEX outbox_waiting on outbox(site) where state <> 'sent';
COMMIT;
