package doctor

import (
	"testing"

	"konklave/access"
	"konklave/user"
)

func TestDoctorSaysWhetherSomebodyAdministersAccounts(t *testing.T) {
	t.Parallel()
	admin, officer := user.User{Roles: access.Administrator}, user.User{Roles: access.Roles(access.RoleSecurityOfficer)}
	for name, tt := range map[string]struct {
		needed bool
		staff  []user.User
		want   Level
	}{
		"some":  {false, []user.User{officer, admin}, Good},
		"never": {true, nil, Advice},
		"gone":  {false, []user.User{officer}, Failed},
	} {
		if got := judgeAdministrators(tt.needed, tt.staff); got.Level != tt.want {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
