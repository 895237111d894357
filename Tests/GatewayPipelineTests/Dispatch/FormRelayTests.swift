import GatewayContract
import GatewayCore
import GatewayPolicy
import NIOCore
import Testing

@testable import GatewayPipeline

/// Forms that stream through an exchange, with its pool and connections, over a provider in memory.
@Suite struct FormRelayTests {
    private static let early = "HTTP/1.1 413 No\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"

    private static func ok(_ body: String = #"{"text":"hi"}"#) -> String {
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    /// A form under way: the model and the first bytes of the file are sent.
    private func begun(length: Int? = nil, reads: Bool = true) throws -> (UploadBench, Provider.End) {
        let bench = try #require(UploadBench())
        bench.provider.readsFromTheStart = reads
        bench.begin(length: length)
        bench.send(UploadBench.model + UploadBench.fileHead)
        return (bench, try #require(bench.provider.ends.first))
    }

    /// Guarantee: what comes behind the model goes on at once, and the length is the client's with the change of the
    /// model's name.
    @Test func piecesPassAsTheyCome() throws {
        let text = UploadBench.model + UploadBench.fileHead + "one" + "two" + UploadBench.formEnd
        let (bench, end) = try self.begun(length: text.utf8.count)
        #expect(end.takeBody() == UploadBench.modelSentOn + UploadBench.fileHead)
        #expect(end.head.contains("content-length: \(text.utf8.count + "upstream-".utf8.count)"))
        for piece in ["one", "two"] {
            bench.send(piece)
            #expect(end.takeBody() == piece)
        }
        bench.send(UploadBench.formEnd)
        bench.end()
        #expect(end.takeBody() == UploadBench.formEnd)
        end.answer(Self.ok())
        #expect(bench.client.status == 200 && bench.client.body == #"{"text":"hi"}"# && bench.client.hasEnded)
        #expect(!end.isClosed, "the connection serves on")
        #expect(bench.records.count == 1 && bench.shared.inFlightByteCount == 0)
    }

    /// Guarantee: nothing is sent before the model is known, and a form that is whole by then has its length.
    @Test func aFormThatIsWholeGoesWhole() throws {
        let bench = try #require(UploadBench())
        bench.begin(length: nil)
        bench.send(UploadBench.fileHead + "sound\r\n")
        #expect(bench.provider.ends.isEmpty)
        bench.send(UploadBench.model + UploadBench.formEnd.dropFirst())
        #expect(bench.provider.ends.isEmpty)
        bench.end()
        let end = try #require(bench.provider.ends.first)
        let body = UploadBench.fileHead + "sound\r\n" + UploadBench.modelSentOn + UploadBench.formEnd.dropFirst()
        #expect(end.takeBody() == body)
        #expect(end.head.contains("content-length: \(body.utf8.count)"))
    }

    /// Guarantee: without a length it goes in chunks, and the last one comes with the end of the request only.
    @Test func chunksEndWithTheRequest() throws {
        let (bench, end) = try self.begun()
        _ = end.takeBody()
        #expect(end.head.contains("transfer-encoding: chunked") && !end.head.contains("content-length"))
        bench.send("sound")
        #expect(end.takeBody() == "5\r\nsound\r\n")
        bench.send(UploadBench.formEnd)
        #expect(!end.takeBody().hasSuffix("0\r\n\r\n"))
        bench.end()
        #expect(end.takeBody() == "0\r\n\r\n")
    }

    /// Guarantee: a provider that takes nothing holds the client back, and what waits goes when it takes more.
    @Test func backPressureReachesTheClient() throws {
        let (bench, end) = try self.begun()
        _ = end.takeBody()
        #expect(!bench.client.isHeldBack)
        end.setReading(false)
        bench.send("waits")
        #expect(bench.client.isHeldBack && end.takeBody().isEmpty)
        end.setReading(true)
        #expect(!bench.client.isHeldBack && end.takeBody() == "5\r\nwaits\r\n")
    }

    /// Guarantee: what was handed over beyond the bound is held no longer, and counts no longer.
    @Test func bytesAreGivenBack() throws {
        let (bench, end) = try self.begun()
        let piece = String(repeating: "x", count: UploadBench.replayBytesMax)
        bench.send(piece)
        #expect(bench.shared.inFlightByteCount == 0 && bench.exchange?.body.readableBytes == 0)
        end.setReading(false)
        bench.send(piece)
        #expect(bench.shared.inFlightByteCount == piece.utf8.count)
        bench.leave()
        #expect(bench.shared.inFlightByteCount == 0 && end.isClosed)
        #expect(bench.records.map(\.outcome) == [.clientLeft])
    }

    /// Guarantee: what is found behind the model ends the call, and nobody gets a request that looks whole.
    @Test(arguments: [
        (UploadBench.part("model", "other"), ErrorCode.malformedBody),
        (UploadBench.part("file_id", "file-1"), .storedObjectField),
        ("--\(UploadBench.boundary)\r\nno field\r\n\r\n", .malformedBody),
    ])
    func aLateFaultEndsTheCall(rest: String, code: ErrorCode) throws {
        let (bench, end) = try self.begun()
        bench.send("sound\r\n")
        _ = end.takeBody()
        bench.send(rest)
        #expect(end.isClosed && end.takeBody().isEmpty)
        #expect(bench.client.status == 400 && bench.client.hasEnded)
        #expect(bench.records.map(\.error) == [code])
        bench.send("more")
        bench.end()
        #expect(bench.records.count == 1 && bench.provider.ends.count == 1)
    }

    /// Guarantee: a form without its end is found out before the last byte that was announced is handed over.
    @Test func aFormThatDoesNotEndIsNotSentWhole() throws {
        let text = UploadBench.model + UploadBench.fileHead + "sound"
        let (bench, end) = try self.begun(length: text.utf8.count)
        _ = end.takeBody()
        bench.send("sound")
        #expect(end.isClosed && end.takeBody().isEmpty && bench.client.status == 400)
    }

    /// Guarantee: a body that is shorter or longer than announced is refused, wherever it comes from.
    @Test(arguments: [(UploadBench.formEnd, 400), (UploadBench.formEnd + "0123456789", 400)])
    func theAnnouncedLengthHolds(rest: String, status: Int) throws {
        let text = UploadBench.model + UploadBench.fileHead + UploadBench.formEnd
        let (bench, end) = try self.begun(length: text.utf8.count + 5)
        bench.send(rest)
        bench.end()
        #expect(end.isClosed && bench.client.status == status)
    }

    /// Guarantee: an early error is passed on, and its connection is not used again.
    @Test func anEarlyErrorIsPassedOn() throws {
        let (bench, end) = try self.begun()
        end.answer(Self.early)
        #expect(bench.client.status == 413 && bench.client.hasEnded && end.isClosed)
        bench.send("more")
        #expect(bench.records.count == 1)
    }

    /// Guarantee: an early answer that is no error waits for the end of the request, or for its own.
    @Test func anEarlySuccessWaits() throws {
        let (bench, end) = try self.begun()
        end.answer("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 13\r\n\r\n{\"text\"")
        #expect(bench.client.status == nil)
        bench.send("sound" + UploadBench.formEnd)
        bench.end()
        #expect(bench.client.status == 200 && bench.client.body == #"{"text""#)
        end.answer(#":"hi"}"#)
        #expect(bench.client.body == #"{"text":"hi"}"# && bench.client.hasEnded)
    }

    /// Guarantee: a provider that answers at length before it was asked costs bounded memory.
    @Test func anEarlyAnswerIsBounded() throws {
        let (bench, end) = try self.begun()
        let text = String(repeating: "x", count: 70_000)
        end.answer("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 90000\r\n\r\n\(text)")
        #expect(end.isClosed && bench.client.status == 502)
    }

    /// Guarantee (DESIGN 13.9): a pooled connection that was stale is replaced silently while all is still held.
    @Test(arguments: [true, false])
    func aStaleConnectionIsReplaced(isHeld: Bool) throws {
        let (bench, first) = try self.begun()
        bench.send(UploadBench.formEnd)
        bench.end()
        first.answer(Self.ok())
        first.forgetRequest()
        bench.begin(length: nil)
        bench.send(UploadBench.model + UploadBench.fileHead)
        #expect(first.takeBody().contains("upstream-model"), "the pooled one is used")
        if !isHeld { bench.send(String(repeating: "x", count: UploadBench.replayBytesMax)) }
        first.close()
        bench.send("sound" + UploadBench.formEnd)
        bench.end()
        guard isHeld else {
            #expect(bench.client.status == 502 && bench.provider.ends.count == 1)
            return
        }
        let second = try #require(bench.provider.ends.last)
        #expect(second !== first)
        let body = second.takeBody()
        #expect(body.contains("upstream-model") && body.contains("sound"))
        second.answer(Self.ok())
        #expect(bench.client.status == 200 && bench.records.last?.attempts.count == 1)
    }

    /// Guarantee: the answer's timeouts count from the last byte of the request.
    @Test func theHeadIsWaitedForFromTheEnd() throws {
        let (bench, _) = try self.begun()
        for _ in 0..<5 {
            bench.pass(.seconds(2))
            bench.send("sound")
        }
        bench.send(UploadBench.formEnd)
        bench.end()
        bench.pass(.seconds(1))
        #expect(bench.client.status == nil)
        bench.pass(.seconds(2))
        #expect(bench.client.status == 504)
    }

    /// Guarantee: a provider that takes nothing for longer than `inter_content` is 504, and one that takes a little
    /// is not.
    @Test func aProviderThatStopsReadingIsATimeout() throws {
        let (bench, end) = try self.begun(reads: false)
        bench.pass(.seconds(2))
        end.setReading(true)
        end.setReading(false)
        bench.send("sound")
        bench.pass(.seconds(2))
        #expect(bench.client.status == nil)
        bench.pass(.seconds(2))
        #expect(bench.client.status == 504 && end.isClosed && !bench.client.isHeldBack)
        #expect(bench.records.first?.attempts.map(\.error) == [.upstreamTimeout])
    }

    /// Guarantee: a client that uses up the total time is told so, and the provider is not blamed.
    @Test func aClientThatTakesTooLongIsToldSo() throws {
        let (bench, end) = try self.begun()
        bench.pass(.seconds(61))
        #expect(bench.client.status == 408 && end.isClosed)
    }

    /// Guarantee: what was reserved is given back, however an upload ends.
    @Test func theReservationIsSettled() throws {
        let (bench, _) = try self.begun()
        #expect(bench.exchange?.reservation.isEmpty == false)
        bench.leave()
        #expect(bench.exchange?.reservation.isEmpty == true && bench.shared.exchangeCount == 0)
    }
}
