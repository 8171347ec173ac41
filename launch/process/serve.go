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

	"github.com/go-json-experiment/json"

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
	ends    []launch.Exit // not told yet
	waiting []int64       // requests to wait, not answered yet
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
		var refused *fault.Fault
		if errors.As(err, &refused) {
			closeAll(files)
			s.answer(q.ID, refuse(refused.Code, refused.Message))
			continue
		}
		if err != nil {
			closeAll(files)
			return err
		}
		if q.Verb != launch.VerbStart {
			s.dispatch(q)
			closeAll(files)
			continue
		}
		select {
		case s.starting <- struct{}{}:
		case <-s.gone:
			closeAll(files)
			continue
		}
		parts.Go(func() {
			defer func() { <-s.starting }()
			defer closeAll(files)
			s.answer(q.ID, s.startInTurn(q.Start, files))
		})
	}
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
		s.answer(q.ID, s.signal(q.Conference, q.Signal))
	case launch.VerbList:
		s.answer(q.ID, s.list(q.After))
	case launch.VerbWait:
		s.wait(q.ID)
	default:
		s.answer(q.ID, refuse(launch.CodeUnknownVerb, "The launcher knows hello, start, signal, list and wait."))
	}
}

// answer queues an answer; it waits for room as long as something is written.
func (s *server) answer(id int64, r launch.Response) {
	r.ID = id
	select {
	case s.answers <- r:
	case <-s.gone:
	}
}

// write sends answers, and ends to those who wait for them, until the connection ends.
func (s *server) write() error {
	for {
		select {
		case <-s.over:
			return nil
		case r := <-s.answers:
			if err := s.send(r); err != nil {
				return err
			}
		case <-s.news:
			if err := s.sendEnds(); err != nil {
				return err
			}
		}
	}
}

// send writes one message. A controller that makes no room for it in time is given up.
func (s *server) send(r launch.Response) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encode an answer: %w", err)
	}
	limit := s.Patience
	if limit == 0 {
		limit = readLimit
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(limit)); err != nil {
		return err
	}
	_, err = s.conn.Write(raw)
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("the controller has not read for %v: %w", limit, err)
	case errors.Is(err, net.ErrClosed), errors.Is(err, syscall.EPIPE), errors.Is(err, syscall.ECONNRESET):
		return errGone
	}
	return err
}

// errGone ends the writing to a controller that has gone away, which is no error.
var errGone = errors.New("the controller is gone")

// sendEnds answers waiting requests with ends.
func (s *server) sendEnds() error {
	for {
		id, e, ok := s.takeEnd()
		if !ok {
			return nil
		}
		if err := s.send(launch.Response{ID: id, Exit: &e}); err != nil {
			s.giveBack(e)
			return err
		}
	}
}

func (s *server) takeEnd() (id int64, e launch.Exit, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ends) == 0 || len(s.waiting) == 0 {
		return 0, launch.Exit{}, false
	}
	id, e = s.waiting[0], s.ends[0]
	s.waiting, s.ends = s.waiting[1:], s.ends[1:]
	return id, e, true
}

// giveBack keeps an end that could not be told, for leave.
func (s *server) giveBack(e launch.Exit) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ends = append([]launch.Exit{e}, s.ends...)
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

// wait has the request answered when a worker has ended.
func (s *server) wait(id int64) {
	s.mu.Lock()
	full := len(s.waiting) >= waitsMax
	if !full {
		s.waiting = append(s.waiting, id)
	}
	s.mu.Unlock()
	if full {
		s.answer(id, refuse("launch.too_many", "This controller waits for as many ends as it may."))
		return
	}
	s.wake()
}

// tell adds an end. The launcher's lock is held, so nothing here may wait.
func (s *server) tell(e launch.Exit) {
	s.ends = append(s.ends, e)
	if len(s.ends) > exitsKept {
		s.ends = s.ends[1:]
	}
	s.wake()
}

// wake has the writer look for ends to tell.
func (s *server) wake() {
	select {
	case s.news <- struct{}{}:
	default: // it will look anyway
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
