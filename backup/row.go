package backup

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"konklave/store"
)

// appendRow appends a row as a line: an array of numbers, texts, bytes in base64, and null.
func appendRow(line []byte, row []any) ([]byte, error) {
	line = append(line, '[')
	for i, value := range row {
		if i > 0 {
			line = append(line, ',')
		}
		switch v := value.(type) {
		case nil:
			line = append(line, "null"...)
		case int64:
			line = strconv.AppendInt(line, v, 10)
		case []byte:
			line = append(line, '"')
			line = base64.StdEncoding.AppendEncode(line, v)
			line = append(line, '"')
		case string:
			var err error
			if line, err = jsontext.AppendQuote(line, strings.ToValidUTF8(v, "\uFFFD")); err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("a value is a %T", value)
		}
	}
	return append(line, ']', '\n'), nil
}

// parseRow reads what appendRow wrote.
func parseRow(line []byte, columns []store.Column) ([]any, error) {
	var values []jsontext.Value
	if err := json.Unmarshal(line, &values); err != nil {
		return nil, err
	}
	if len(values) != len(columns) {
		return nil, fmt.Errorf("a row has %d values for %d columns", len(values), len(columns))
	}
	row := make([]any, len(values))
	for i, v := range values {
		var err error
		if row[i], err = parseValue(v, columns[i].Type); err != nil {
			return nil, err
		}
	}
	return row, nil
}

func parseValue(v jsontext.Value, t store.ColumnType) (any, error) {
	kind := v.Kind()
	switch {
	case kind == 'n':
		return nil, nil
	case t == store.TypeInteger && kind == '0':
		return strconv.ParseInt(string(v), 10, 64)
	case t == store.TypeText && kind == '"':
		text, err := jsontext.AppendUnquote(nil, v)
		return string(text), err
	case t == store.TypeBytes && kind == '"':
		return base64.StdEncoding.Strict().AppendDecode([]byte{}, v[1:len(v)-1])
	}
	return nil, errors.New("a value is not of its column's type")
}
