package httpapi

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"golang.org/x/mod/sumdb/tlog"

	"konklave/access"
	"konklave/audit"
	"konklave/audit/archive"
	"konklave/fault"
)

// AuditLog is what the API needs of the audit log; it decides who may read it.
type AuditLog interface {
	Checkpoint(ctx context.Context, actor access.Actor) (archive.Seen, error)
	Growth(ctx context.Context, actor access.Actor, earlier, size int64) (tlog.TreeProof, error)
	Entry(ctx context.Context, actor access.Actor, index int64) (archive.Proof, error)
	Segment(ctx context.Context, actor access.Actor, from int64, approval string) (archive.Segment, error)
	Export(ctx context.Context, s archive.Segment, w io.Writer) error
	Cosign(ctx context.Context, actor access.Actor, cosigned []byte) (archive.Seen, error)
	Keys() ([]string, error)
	WitnessKeys() []string
	Search(ctx context.Context, actor access.Actor, q archive.Query, after string, limit int) (archive.Page, error)
	Show(ctx context.Context, actor access.Actor, index int64) (archive.Whole, error)
}

// exportType is the media type of an export.
const exportType = "application/x-ndjson"

func (a *API) addAudit() {
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/audit/checkpoint", ID: "getCheckpoint", Tag: "Audit log", Action: access.AuditFollow,
		Summary: "The newest signed checkpoint of the audit log, and the keys to verify it with",
		Audits:  []audit.Kind{audit.KindLogRead}, Codes: []fault.Code{"checkpoint.none"},
	}, a.getCheckpoint)
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/audit/proof", ID: "proveGrowth", Tag: "Audit log", Action: access.AuditFollow,
		Summary: "Proof that the log of one size begins with the log of an earlier size (RFC 6962)",
		Audits:  []audit.Kind{audit.KindLogRead}, Codes: []fault.Code{"checkpoint.none", "audit.range"},
	}, a.proveGrowth)
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/audit/entries/{index}/proof", ID: "proveEntry", Tag: "Audit log", Action: access.AuditRead,
		Summary: "Proof that an entry is in the log of the newest checkpoint",
		Audits:  []audit.Kind{audit.KindLogRead}, Codes: []fault.Code{"checkpoint.none", "audit.range"},
	}, a.proveEntry)
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/audit/export", ID: "exportAudit", Tag: "Audit log", Action: access.AuditExport,
		Summary: "One segment of an export of the audit log, personal data sealed; its last line says where the next one begins",
		Audits:  []audit.Kind{audit.KindApprovalUsed, audit.KindLogExported},
		Codes:   []fault.Code{"checkpoint.none", "audit.range", "access.approval_required", "approval.unknown", "approval.mismatch", "approval.closed"},
	}, a.exportAudit)
	add(a, Route{
		Method: http.MethodPost, Path: prefix + "/audit/cosignatures", ID: "addCosignature", Tag: "Audit log", Action: access.AuditCosign,
		Summary: "Give back a checkpoint that a witness has cosigned; the first of a day leaves an entry", Audits: []audit.Kind{audit.KindLogWitnessed},
		Codes: []fault.Code{"cosignature.invalid", "checkpoint.unknown", "checkpoint.none"},
	}, a.addCosignature)
}

// Checkpoint is a signed statement of how large the audit log is and what its root is.
type Checkpoint struct {
	Note      string        `json:"note" doc:"A signed note (c2sp.org/tlog-checkpoint) with the cosignatures of its witnesses."`
	Origin    string        `json:"origin" doc:"Name of the log."`
	Size      int64         `json:"size" doc:"Number of entries."`
	Root      string        `json:"root" doc:"Of the Merkle tree over them, in base64."`
	Keys      []string      `json:"keys" nullable:"false" doc:"The public keys of the log, the present one last. Whoever verifies has got them elsewhere."`
	Witnesses []Cosignature `json:"witnesses" nullable:"false" doc:"Who has cosigned this checkpoint."`

	WitnessKeys []string `json:"witnessKeys" nullable:"false" doc:"The public keys of those who are to cosign. Whoever verifies has got them elsewhere."`
}

// Cosignature is what a witness said of a checkpoint.
type Cosignature struct {
	Witness string    `json:"witness" doc:"Its name."`
	At      time.Time `json:"at"`
}

func (a *API) showCheckpoint(s archive.Seen) (*body[Checkpoint], error) {
	keys, err := a.audit.Keys()
	if err != nil {
		return nil, err
	}
	c := Checkpoint{Note: string(s.Note), Origin: s.Signed.Origin, Size: s.Signed.Size, Root: s.Signed.Root.String(), Keys: keys, Witnesses: []Cosignature{}, WitnessKeys: show(a.audit.WitnessKeys(), func(key string) string { return key })}
	for _, w := range s.Signed.Cosignatures {
		c.Witnesses = append(c.Witnesses, Cosignature(w))
	}
	return &body[Checkpoint]{c}, nil
}

func (a *API) getCheckpoint(ctx context.Context, _ *struct{}) (*body[Checkpoint], error) {
	seen, err := a.audit.Checkpoint(ctx, callerOf(ctx).actor)
	if err != nil {
		return nil, err
	}
	return a.showCheckpoint(seen)
}

type proveGrowthInput struct {
	Earlier int64 `query:"earlier" required:"true" doc:"Number of entries of the earlier log."`
	Size    int64 `query:"size" required:"true" doc:"Number of entries of the later log; at most that of the newest checkpoint."`
}

// GrowthProof shows that a log begins with an earlier one.
type GrowthProof struct {
	Hashes []string `json:"hashes" nullable:"false" doc:"In base64, in the order of RFC 6962, section 2.1.2."`
}

func (a *API) proveGrowth(ctx context.Context, in *proveGrowthInput) (*body[GrowthProof], error) {
	proof, err := a.audit.Growth(ctx, callerOf(ctx).actor, in.Earlier, in.Size)
	if err != nil {
		return nil, err
	}
	return &body[GrowthProof]{GrowthProof{show(proof, tlog.Hash.String)}}, nil
}

type entryInput struct {
	Index int64 `path:"index" doc:"Of the entry, from 0."`
}

// EntryProof shows that an entry is in the log.
type EntryProof struct {
	Leaf  string `json:"leaf" doc:"The text that was hashed; the tree has the SHA-256 of a byte 0 and it."`
	Proof string `json:"proof" doc:"In the form of c2sp.org/tlog-proof, with the signed checkpoint."`

	Cosigned string `json:"cosigned,omitzero" doc:"The newest checkpoint that covers the entry and that all witnesses have cosigned, where that is an earlier one; absent when there is none."`
}

func (a *API) proveEntry(ctx context.Context, in *entryInput) (*body[EntryProof], error) {
	p, err := a.audit.Entry(ctx, callerOf(ctx).actor, in.Index)
	if err != nil {
		return nil, err
	}
	return &body[EntryProof]{EntryProof{string(p.Leaf), string(p.Proof), string(p.Cosigned)}}, nil
}

type exportInput struct {
	From     int64  `query:"from" doc:"Index of the first entry, from 0, which is also the default."`
	Approval string `query:"approval" doc:"Id of the request that a second person has agreed to, where one is needed; the newest that fits when absent."`
}

func (a *API) exportAudit(ctx context.Context, in *exportInput) (*huma.StreamResponse, error) {
	segment, err := a.audit.Segment(ctx, callerOf(ctx).actor, in.From, in.Approval)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(out huma.Context) {
		out.SetHeader("Content-Type", exportType)
		out.SetHeader("Content-Disposition", `attachment; filename="audit-`+strconv.FormatInt(in.From, 10)+`.ndjson"`)
		if err := a.audit.Export(ctx, segment, out.BodyWriter()); err != nil {
			// The status is out already; a file that was cut off has no end, and whoever verifies it says so.
			a.log.ErrorContext(ctx, "an export of the audit log was not finished", "err", err)
		}
	}}, nil
}

// CosignedCheckpoint is a checkpoint that a witness gives back.
type CosignedCheckpoint struct {
	Note string `json:"note" maxLength:"16384" doc:"The checkpoint with the signature of the log and the cosignature."`
}

func (a *API) addCosignature(ctx context.Context, in *body[CosignedCheckpoint]) (*body[Checkpoint], error) {
	seen, err := a.audit.Cosign(ctx, callerOf(ctx).actor, []byte(in.Body.Note))
	if err != nil {
		return nil, err
	}
	return a.showCheckpoint(seen)
}
