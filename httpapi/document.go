package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// Spec is the OpenAPI 3.1 document, indented.
func (a *API) Spec() ([]byte, error) {
	text, err := json.MarshalIndent(a.huma.OpenAPI(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode OpenAPI document: %w", err)
	}
	return append(text, '\n'), nil
}

// addDocument serves the OpenAPI document.
func (a *API) addDocument(registry huma.Registry) {
	// Errors are described by Problem; the library's own model is used nowhere.
	delete(registry.Map(), "ErrorModel")
	delete(registry.Map(), "ErrorDetail")
	a.mux.HandleFunc("GET /api/openapi.json", func(w http.ResponseWriter, r *http.Request) {
		spec, err := a.Spec()
		if err != nil {
			writeProblem(w, r, a.log, err)
			return
		}
		w.Header().Set("Content-Type", "application/openapi+json")
		_, _ = w.Write(spec) // the client is gone
	})
}
