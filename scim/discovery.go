package scim

// The schemas of what describes the service (RFC 7643, sections 5 to 7), and of answers.
const (
	schemaConfig   = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
	schemaType     = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	schemaSchema   = "urn:ietf:params:scim:schemas:core:2.0:Schema"
	SchemaList     = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	SchemaError    = "urn:ietf:params:scim:api:messages:2.0:Error"
	schemaSpecURI  = "https://www.rfc-editor.org/info/rfc6750"
	typesEndpoint  = "/ResourceTypes"
	schemaEndpoint = "/Schemas"
)

// Configuration says what of the protocol there is (ServiceProviderConfig). Base is the address of the service.
func Configuration(base string) Object {
	supported := func(is bool) Object { return Object{"supported": is} }
	return Object{
		"schemas": []any{schemaConfig}, "patch": supported(true), "changePassword": supported(false), "sort": supported(true), "etag": supported(true),
		"bulk":   Object{"supported": false, "maxOperations": float64(0), "maxPayloadSize": float64(0)},
		"filter": Object{"supported": true, "maxResults": float64(MaxResults)},
		"authenticationSchemes": []any{Object{
			"type": "oauthbearertoken", "name": "OAuth Bearer Token", "description": "Authorization: Bearer, with a token that may provision.",
			"specUri": schemaSpecURI, "primary": true,
		}},
		"meta": Object{"resourceType": "ServiceProviderConfig", "location": base + "/ServiceProviderConfig"},
	}
}

// Describe is the type itself as a resource (ResourceType).
func (t *ResourceType) Describe(base string) Object {
	described := Object{
		"schemas": []any{schemaType}, "id": t.Name, "name": t.Name, "endpoint": t.Endpoint, "description": t.About, "schema": t.Core.ID,
		"meta": Object{"resourceType": "ResourceType", "location": base + typesEndpoint + "/" + t.Name},
	}
	var extensions []any
	for _, s := range t.Extensions {
		extensions = append(extensions, Object{"schema": s.ID, "required": false})
	}
	set(described, "schemaExtensions", extensions)
	return described
}

// Describe is the schema itself as a resource (Schema). What is not kept here is not in it.
func (s *Schema) Describe(base string) Object {
	var attributes []any
	for i := range s.Attributes {
		// Those that every resource has are in no schema (RFC 7643, section 3.1).
		if a := &s.Attributes[i]; !a.dropped && find(common(), a.Name) == nil {
			attributes = append(attributes, a.describe())
		}
	}
	return Object{
		"schemas": []any{schemaSchema}, "id": s.ID, "name": s.Name, "description": s.About, "attributes": attributes,
		"meta": Object{"resourceType": "Schema", "location": base + schemaEndpoint + "/" + s.ID},
	}
}

func (a *Attribute) describe() Object {
	or := func(value, instead string) string {
		if value == "" {
			return instead
		}
		return value
	}
	described := Object{
		"name": a.Name, "type": a.Type, "multiValued": a.Multi, "description": a.About, "required": a.Required,
		"mutability": a.mutability(), "returned": or(a.Returned, "default"),
	}
	switch a.Type {
	case typeString, typeReference:
		described["caseExact"], described["uniqueness"] = a.CaseExact, or(a.Uniqueness, "none")
	case typeComplex:
		var parts []any
		for i := range a.Sub {
			if !a.Sub[i].dropped {
				parts = append(parts, a.Sub[i].describe())
			}
		}
		described["subAttributes"] = parts
	}
	if a.Type == typeReference {
		described["referenceTypes"] = []any{"uri"}
	}
	return described
}

// Listed is an answer with several resources (RFC 7644, section 3.4.2). Start counts from 1.
func Listed(resources []Object, total, start int) Object {
	all := make([]any, len(resources))
	for i, r := range resources {
		all[i] = r
	}
	return Object{
		"schemas": []any{SchemaList}, "totalResults": float64(total), "startIndex": float64(start), "itemsPerPage": float64(len(resources)), "Resources": all,
	}
}

// Schemas returns every schema of the types.
func Schemas(types ...*ResourceType) []*Schema {
	var found []*Schema
	for _, t := range types {
		found = append(found, &t.Core)
		for i := range t.Extensions {
			found = append(found, &t.Extensions[i])
		}
	}
	return found
}
