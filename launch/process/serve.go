package process

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"

	"github.com/go-json-experiment/json"

	"konklave/launch"
)

// server is the connection of one controller.
type server struct {
	*Launcher
	conn    *net.UnixConn
	writeMu sync.Mutex

	// What follows is guarded by Launcher.mu.
	ends    []launch.Exit // not told yet
	waiting []int64       // requests to wait, not answered yet
}

// Serve answers one controller until its connection ends.
func (l *Launcher) Serve(conn *net.UnixConn) error {
	s := &server{Launcher: l, conn: conn}
	s.join()
	defer s.leave()
	var starting sync.WaitGroup
	defer starting.Wait()
	buffer := make([]byte, launch.MessageMax)
	rights := make([]byte, syscall.CmsgSpace(4*launch.FilesMax))
	for {
		n, rn, _, _, err := conn.ReadMsgUnix(buffer, rights)
		if errors.Is(err, io.EOF) || err == nil && n == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read from controller: %w", err)
		}
		files, err := receivedFiles(rights[:rn])
		if err != nil {
			return err
		}
		var q launch.Request
		if err := json.Unmarshal(buffer[:n], &q, json.RejectUnknownMembers(true)); err != nil {
			closeAll(files)
			return fmt.Errorf("malformed message from controller: %w", err)
		}
		if q.Verb != launch.VerbStart {
			s.dispatch(q)
			closeAll(files)
			continue
		}
		l.starts <- struct{}{}
		starting.Go(func() {
			defer func() { <-l.starts }()
			defer closeAll(files)
			s.answer(q.ID, s.start(q.Start, files))
		})
	}
}

func (s *server) dispatch(q launch.Request) {
	switch q.Verb {
	case launch.VerbSignal:
		s.answer(q.ID, s.signal(q.Conference, q.Signal))
	case launch.VerbList:
		s.answer(q.ID, s.list(q.After))
	case launch.VerbWait:
		s.wait(q.ID)
	default:
		s.answer(q.ID, refuse("launch.unknown_verb", "The launcher knows start, signal, list and wait."))
	}
}

func (s *server) answer(id int64, r launch.Response) bool {
	r.ID = id
	raw, err := json.Marshal(r)
	if err != nil {
		s.Log.Error("launcher cannot encode its answer", "error", err)
		return false
	}
	s.writeMu.Lock()
	defer s.writeMu.Unlock()
	_, err = s.conn.Write(raw)
	return err == nil
}

// join makes this controller hear of ends, of those first that nobody was there for.
func (s *server) join() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends, s.exits = s.exits, nil
	s.conns[s] = struct{}{}
}

// leave keeps what this controller was not told for the next one, unless another one is there.
func (s *server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, s)
	if len(s.conns) > 0 {
		return
	}
	for _, e := range s.ends {
		s.keep(e)
	}
}

// wait answers when a worker has ended.
func (s *server) wait(id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = append(s.waiting, id)
	s.pass()
}

// tell adds an end. The launcher's lock is held.
func (s *server) tell(e launch.Exit) {
	s.ends = append(s.ends, e)
	if len(s.ends) > exitsKept {
		s.ends = s.ends[1:]
	}
	s.pass()
}

// pass answers waiting requests with ends. The launcher's lock is held.
func (s *server) pass() {
	for len(s.ends) > 0 && len(s.waiting) > 0 {
		if !s.answer(s.waiting[0], launch.Response{Exit: &s.ends[0]}) {
			return // the connection is at its end; leave keeps what is left
		}
		s.ends, s.waiting = s.ends[1:], s.waiting[1:]
	}
}

func receivedFiles(rights []byte) ([]*os.File, error) {
	messages, err := syscall.ParseSocketControlMessage(rights)
	if err != nil {
		return nil, fmt.Errorf("read file descriptors: %w", err)
	}
	var files []*os.File
	for i := range messages {
		fds, err := syscall.ParseUnixRights(&messages[i])
		if err != nil {
			continue
		}
		for _, fd := range fds {
			syscall.CloseOnExec(fd)
			files = append(files, os.NewFile(uintptr(fd), "inherited"))
		}
	}
	return files, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close() // copies; the worker has its own
	}
}
