BEGIN TRANSACTION;
CREATE TABLE "_sqlite_migrations" (
   "id" INTEGER PRIMARY KEY,
   "migration_set" TEXT,
   "name" TEXT,
   "applied_at" TEXT
);
INSERT INTO "_sqlite_migrations" VALUES(1,'netwatch','m001_first','2026-11-30 12:44:25.086019+00:00');
INSERT INTO "_sqlite_migrations" VALUES(2,'netwatch','m002_gentle','2026-11-30 12:44:25.087201+00:00');
CREATE TABLE asked (
    site integer not null references sites(id), device text not null, probe text not null,
    ports text not null, primary key (site, device, probe)
) strict;
INSERT INTO "asked" VALUES(1,'d','dicom','104');
INSERT INTO "asked" VALUES(1,'d','sweep','22,80,445');
CREATE TABLE changes (
    run integer not null references runs(id), kind text not null, rule text not null,
    device text not null, address text not null, port integer not null, previous text
) strict;
INSERT INTO "changes" VALUES(1,'newly-checked','dicom-query-answered','d','192.168.1.20',104,NULL);
INSERT INTO "changes" VALUES(1,'newly-checked','smb-guest-share','d','192.168.1.20',445,NULL);
INSERT INTO "changes" VALUES(2,'unverified','smb-guest-share','d','192.168.1.20',445,NULL);
INSERT INTO "changes" VALUES(3,'resolved','smb-guest-share','d','192.168.1.20',445,NULL);
CREATE TABLE devices (
    site integer not null references sites(id), id text not null, address text not null, mac text,
    vendor text, names text not null, kind text not null, maker text, model text, version text,
    first_seen text not null, last_seen text not null, left_alone text, primary key (site, id)
) strict;
INSERT INTO "devices" VALUES(1,'d','192.168.1.20','00:11:32:aa:bb:cc',NULL,'[]','unknown',NULL,NULL,NULL,'2026-11-01T22:00:00Z','2026-11-03T22:00:00Z',NULL);
CREATE TABLE failures (
    run integer not null references runs(id), probe text not null, vantage text not null, device text,
    address text not null, port integer, reason text not null, detail text not null
) strict;
INSERT INTO "failures" VALUES(2,'dicom','lan','d','192.168.1.20',4242,'timeout','no answer in time');
CREATE TABLE findings (
    id integer primary key, site integer not null, rule text not null, device text not null,
    address text not null, port integer not null, transport text not null, probe text not null,
    vantage text not null, exposure text not null, status text not null, first_seen text not null,
    last_seen text not null, ended text, foreign key (site, device) references devices(site, id)
) strict;
INSERT INTO "findings" VALUES(1,1,'smb-guest-share','d','192.168.1.20',445,'tcp','dicom','lan','not-checked','resolved','2026-11-01T22:00:00Z','2026-11-01T22:00:00Z','2026-11-03T22:00:00Z');
INSERT INTO "findings" VALUES(2,1,'dicom-query-answered','d','192.168.1.20',104,'tcp','dicom','lan','not-checked','open','2026-11-01T22:00:00Z','2026-11-03T22:00:00Z',NULL);
CREATE TABLE outbox (
    id integer primary key, site integer not null references sites(id),
    run integer not null references runs(id), message_id text not null unique, recipient text not null,
    subject text not null, text text not null, html text not null, created text not null,
    state text not null check (state in ('waiting', 'sending', 'sent')),
    tries integer not null default 0, last_try text, sent text, error text
) strict;
INSERT INTO "outbox" VALUES(1,1,1,'<1@test>','dr@example.fr','Alerte','texte','<p>page</p>','2026-11-30T12:44:25Z','sent',0,NULL,'2026-11-30T12:44:25Z',NULL);
INSERT INTO "outbox" VALUES(2,1,1,'<2@test>','it@example.fr','Alerte','texte','<p>page</p>','2026-11-30T12:44:25Z','waiting',0,NULL,NULL,NULL);
CREATE TABLE rounds (
    site integer not null references sites(id), device text not null, began text not null,
    done text not null, usual text, primary key (site, device)
) strict;
CREATE TABLE runs (
    id integer primary key, uid text not null unique, site integer not null references sites(id),
    started text not null, finished text not null, complete integer not null, vantages text not null,
    coverage integer not null references texts(id)
, stopped text, pace text not null default '{}') strict;
INSERT INTO "runs" VALUES(1,'run-0',1,'2026-11-01T22:00:00Z','2026-11-01T22:02:00Z',1,'["lan"]',1,NULL,'{}');
INSERT INTO "runs" VALUES(2,'run-1',1,'2026-11-02T22:00:00Z','2026-11-02T22:02:00Z',0,'["lan"]',1,NULL,'{}');
INSERT INTO "runs" VALUES(3,'run-2',1,'2026-11-03T22:00:00Z','2026-11-03T22:02:00Z',1,'["lan"]',2,NULL,'{}');
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
) strict;
INSERT INTO "sites" VALUES(1,'cabinet','Cabinet','fr','["192.168.1.0/24"]',NULL);
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
CREATE INDEX outbox_waiting on outbox(site) where state <> 'sent';
COMMIT;
