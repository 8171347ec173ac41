package privacy

import "testing"

// Every table that is about people says what becomes of it when one of them is erased, and no other.
func TestEveryTableAboutPeopleSaysWhatAnErasureDoes(t *testing.T) {
	t.Parallel()
	then := map[string]string{}
	for _, e := range Erasures() {
		if then[e.Name] != "" {
			t.Errorf("the row of %s is there twice", e.Name)
		}
		then[e.Name] = e.Then
	}
	for _, table := range Tables() {
		if about := table.About != ""; about != (then[table.Name] != "") {
			t.Errorf("table %s: about people %v, and an erasure does %q: see privacy/erasure.go", table.Name, about, then[table.Name])
		}
		delete(then, table.Name)
	}
	for name := range then {
		t.Errorf("there is no table %s", name)
	}
}
