package httpapi

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"konklave/access"
	"konklave/audit"
	"konklave/auth"
	"konklave/fault"
)

func (a *API) addMachines() {
	add(a, Route{
		Method: http.MethodGet, Path: prefix + "/machines", ID: "listMachines", Tag: "Machines", Action: access.MachineList,
		Summary: "The machines of the organisation, the newest first",
	}, a.listMachines)
	add(a, Route{
		Method: http.MethodPost, Path: prefix + "/machines", ID: "addMachine", Tag: "Machines", Action: access.MachineAdd,
		Summary: "Add a machine; its secret is shown only now", Audits: []audit.Kind{audit.KindMachineAdded}, Status: http.StatusCreated,
		Codes: []fault.Code{
			"machine.name_invalid", "machine.expiry_invalid", "machine.networks_invalid", "machine.too_many",
			"scope.invalid", "scope.conflict", "scope.beyond",
		},
	}, a.addMachine)
	add(a, Route{
		Method: http.MethodPost, Path: prefix + "/machines/{id}/secrets", ID: "rotateMachine", Tag: "Machines", Action: access.MachineRotate,
		Summary: "Give a machine another secret, which is shown only now; the one before stays good for a while", Status: http.StatusCreated,
		Audits: []audit.Kind{audit.KindMachineRotated}, Codes: []fault.Code{"machine.unknown", "machine.overlap_invalid", "scope.beyond"},
	}, a.rotateMachine)
	add(a, Route{
		Method: http.MethodDelete, Path: prefix + "/machines/{id}", ID: "removeMachine", Tag: "Machines", Action: access.MachineRemove,
		Summary: "Remove a machine; its access tokens end at once",
		Audits:  []audit.Kind{audit.KindMachineRemoved}, Codes: []fault.Code{"machine.unknown"},
	}, a.removeMachine)
}

// Machine is a program of its own, without its secrets.
type Machine struct {
	ID        string          `json:"id" doc:"Also its client_id."`
	Name      string          `json:"name"`
	Scopes    []access.Scope  `json:"scopes" nullable:"false"`
	Networks  []string        `json:"networks" nullable:"false" doc:"From which alone it may come; none for everywhere."`
	CreatedAt time.Time       `json:"createdAt"`
	ExpiresAt *time.Time      `json:"expiresAt,omitempty" doc:"Absent when it does not expire."`
	UsedAt    *time.Time      `json:"usedAt,omitempty" doc:"When it last got an access token; absent before the first."`
	Secrets   []MachineSecret `json:"secrets" nullable:"false" doc:"The newest first."`
}

// MachineSecret is one of the secrets of a machine, without itself.
type MachineSecret struct {
	CreatedAt time.Time  `json:"createdAt"`
	ExpiresAt *time.Time `json:"expiresAt,omitempty" doc:"Absent for the newest."`
}

func showMachine(m auth.Machine) Machine {
	return Machine{
		ID: m.ID, Name: m.Name, Scopes: m.Scopes, Networks: show(m.Networks, netip.Prefix.String), CreatedAt: m.CreatedAt,
		ExpiresAt: unlessZero(m.ExpiresAt), UsedAt: unlessZero(m.UsedAt),
		Secrets: show(m.Secrets, func(s auth.MachineSecret) MachineSecret { return MachineSecret{s.CreatedAt, unlessZero(s.ExpiresAt)} }),
	}
}

func unlessZero(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (a *API) listMachines(ctx context.Context, _ *struct{}) (*body[page[Machine]], error) {
	list, err := a.machines.List(ctx, callerOf(ctx).actor)
	if err != nil {
		return nil, err
	}
	return &body[page[Machine]]{page[Machine]{show(list, showMachine)}}, nil
}

// NewMachine is a machine to add.
type NewMachine struct {
	Name      string         `json:"name" minLength:"1" maxLength:"100"`
	Scopes    []access.Scope `json:"scopes" nullable:"false" doc:"What it may do, and nothing else; they stay as they are."`
	Networks  []string       `json:"networks,omitempty" maxItems:"20" nullable:"false" doc:"Such as 192.0.2.0/24; absent for everywhere."`
	ExpiresAt *time.Time     `json:"expiresAt,omitempty" doc:"At most ten years ahead; absent for never."`
}

// MachineWithSecret is a machine and its newest secret.
type MachineWithSecret struct {
	Machine Machine `json:"machine"`
	Secret  string  `json:"secret" doc:"The client_secret. It is never shown again."`
}

func (a *API) addMachine(ctx context.Context, in *body[NewMachine]) (*body[MachineWithSecret], error) {
	n := auth.NewMachine{Name: in.Body.Name, Scopes: in.Body.Scopes, Networks: in.Body.Networks}
	if in.Body.ExpiresAt != nil {
		n.ExpiresAt = *in.Body.ExpiresAt
	}
	return withSecret(a.machines.Add(ctx, callerOf(ctx).actor, n))
}

func withSecret(m auth.Machine, secret string, err error) (*body[MachineWithSecret], error) {
	if err != nil {
		return nil, err
	}
	return &body[MachineWithSecret]{MachineWithSecret{showMachine(m), secret}}, nil
}

// SecretRotation says how a machine gets another secret.
type SecretRotation struct {
	OverlapSeconds *int64 `json:"overlapSeconds,omitempty" doc:"How long the secret before stays good, up to 30 days; 0 ends it and the access tokens for it at once; a day when absent."`
}

type rotateInput struct {
	ID   string `path:"id"`
	Body *SecretRotation
}

func (a *API) rotateMachine(ctx context.Context, in *rotateInput) (*body[MachineWithSecret], error) {
	overlap := auth.DefaultSecretOverlap
	if in.Body != nil && in.Body.OverlapSeconds != nil {
		seconds := *in.Body.OverlapSeconds
		if seconds < 0 || seconds > int64(auth.MaxSecretOverlap/time.Second) {
			return nil, auth.ErrSecretOverlap
		}
		overlap = time.Duration(seconds) * time.Second
	}
	return withSecret(a.machines.Rotate(ctx, callerOf(ctx).actor, in.ID, overlap))
}

func (a *API) removeMachine(ctx context.Context, in *idInput) (*empty, error) {
	return nil, a.machines.Remove(ctx, callerOf(ctx).actor, in.ID)
}
