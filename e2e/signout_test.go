//go:build !race

package e2e

import (
	"errors"
	"net/http"
	"testing"

	"konklave/client"
)

// TestA21SigningOutEndsTheCall: signalling and media, for the one who signed out and for nobody else.
func TestA21SigningOutEndsTheCall(t *testing.T) {
	t.Parallel()
	ctx := within(t, patience)
	s := start(ctx, t, t.TempDir())
	admin, link := s.meeting(ctx)
	host, hostMedia := enter(ctx, t, admin, link, "")
	anna, annaMedia := enter(ctx, t, s.client(), link, "Anna")
	ben, _ := enter(ctx, t, s.client(), link, "Ben")
	receives(ctx, t, hostMedia, anna)
	receives(ctx, t, annaMedia, host, ben)
	do(t, admin.SignOut(ctx))
	<-host.Lost()
	var bye *client.Goodbye
	if !errors.As(host.Err(), &bye) || bye.Code != "participant.signed_out" {
		t.Errorf("the call is over with %v", host.Err())
	}
	if _, err := hostMedia.WaitLeave(ctx); err != nil && !errors.Is(err, client.ErrMediaClosed) {
		t.Errorf("media afterwards: %v", err)
	}
	left, err := anna.Await(ctx, "participant.left")
	if err != nil || left.ID != host.Self() || left.Reason != "signed_out" {
		t.Errorf("the others see %+v, %v", left, err)
	}
	receivesMore(ctx, t, annaMedia, ben, microphone, 50)
	do(t, anna.Chat(ctx, "still here"))
}

// TestA21ANewPasswordEndsCalls: that of the session which changed it goes on.
func TestA21ANewPasswordEndsCalls(t *testing.T) {
	t.Parallel()
	ctx := within(t, patience)
	s := start(ctx, t, t.TempDir())
	admin, link := s.meeting(ctx)
	elsewhere := s.client()
	if _, err := elsewhere.SignIn(ctx, "admin@example.org", password); err != nil {
		t.Fatal(err)
	}
	here, there := join(ctx, t, admin, link, ""), join(ctx, t, elsewhere, link, "")
	do(t, admin.Do(ctx, http.MethodPut, "/me/password", map[string]string{"old": password, "new": password + "!"}, nil))
	<-there.Lost()
	var bye *client.Goodbye
	if !errors.As(there.Err(), &bye) || bye.Code != "participant.signed_out" {
		t.Errorf("the call is over with %v", there.Err())
	}
	do(t, here.Chat(ctx, "still here"))
}
