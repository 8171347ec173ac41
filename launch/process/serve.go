package process

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"

	"konklave/fault"
	"konklave/launch"
)

// What one controller may have under way. Beyond it, nothing more is read from this controller; the others do not notice.
const (
	answersMax  = 64              // answers that wait to be written
	startsOfOne = 64              // starts that are not answered yet
	waitsMax    = 64              // requests to wait that are not answered yet; one more is refused
	readLimit   = 5 * time.Second // for a controller to make room for an answer, unless Options.Patience says otherwise
)

// server is the connection of one controller. What is to be told waits in bounded queues for the one goroutine that writes, so
// that a controller that does not read holds up nobody but itself.
type server struct {
	*Launcher
	conn     *net.UnixConn
	answers  chan launch.Response
	starting chan struct{} // has room for another start
	news     chan struct{} // an end, or a request to wait, has come
	over     chan struct{} // closed when nothing is read any more
	gone     chan struct{} // closed when nothing is written any more

	// What follows is guarded by Launcher.mu.
	ends    []ending // not told yet
	waiting []int64  // requests to wait, not answered yet
	since   int64    // how many ends there were before this controller came
}

// Serve answers one controller until its connection ends, and closes it. It is an error of the controller when it sends what
// is not of the protocol, or does not read.
func (l *Launcher) Serve(conn *net.UnixConn) error {
	s := &server{
		Launcher: l, conn: conn, answers: make(chan launch.Response, answersMax), starting: make(chan struct{}, startsOfOne),
		news: make(chan struct{}, 1), over: make(chan struct{}), gone: make(chan struct{}),
	}
	s.join()
	defer s.leave()
	var written error
	var parts sync.WaitGroup
	parts.Go(func() {
		written = s.write()
		close(s.gone)
		_ = conn.Close() // ends the reading
	})
	err := s.read(&parts)
	close(s.over)
	_ = conn.Close() // ends the writing
	parts.Wait()
	if written != nil && !errors.Is(written, errGone) {
		return written
	}
	if errors.Is(err, net.ErrClosed) {
		return nil // by the writer, or by the caller
	}
	return err
}

// read takes requests until the connection ends.
func (s *server) read(parts *sync.WaitGroup) error {
	buffer := make([]byte, launch.MessageMax)
	rights := make([]byte, syscall.CmsgSpace(4*launch.FilesMax))
	for {
		n, rn, _, _, err := s.conn.ReadMsgUnix(buffer, rights)
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
		q, err := launch.DecodeRequest(buffer[:n])
		if err == nil && q.Verb == launch.VerbStart {
			s.startBeside(parts, q, files)
			continue
		}
		closeAll(files)
		var refused *fault.Fault
		switch {
		case errors.As(err, &refused):
			s.answer(q.ID, refuse(refused.Code, refused.Message))
		case err != nil:
			return err
		default:
			s.dispatch(q)
		}
	}
}

// startBeside starts a worker while the reading goes on, when few enough starts of this controller are under way.
func (s *server) startBeside(parts *sync.WaitGroup, q launch.Request, files []*os.File) {
	select {
	case s.starting <- struct{}{}:
	case <-s.gone:
		closeAll(files)
		return
	}
	parts.Go(func() {
		defer func() { <-s.starting }()
		defer closeAll(files)
		s.answer(q.ID, s.startInTurn(q.Start, files))
	})
}

// startInTurn waits until few enough workers are starting.
func (l *Launcher) startInTurn(config *launch.WorkerConfig, files []*os.File) launch.Response {
	l.starts <- struct{}{}
	defer func() { <-l.starts }()
	return l.start(config, files)
}

func (s *server) dispatch(q launch.Request) {
	switch q.Verb {
	case launch.VerbHello:
		own := launch.Current()
		s.answer(q.ID, launch.Response{Version: &own})
	case launch.VerbSignal:
		s.answer(q.ID, s.signal(q.Conference, q.Epoch, q.Signal))
	case launch.VerbList:
		s.answer(q.ID, s.list(q.After))
	case launch.VerbWait:
		s.wait(q.ID)
	default:
		s.answer(q.ID, refuse(launch.CodeUnknownVerb, "The launcher knows hello, start, signal, list and wait."))
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
